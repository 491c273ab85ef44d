package server

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// notServed answers every request to the TCP port that is meant for an AWS
// API. It never looks like an empty success: AWS clients show its message.
func notServed(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	h := w.Header()
	h.Set("X-Amzn-Requestid", id)
	h.Set("Cache-Control", "no-store")
	const message = "This version of Cairn does not serve the AWS API yet. Import log files with `cairn import` and search them with `cairn lookup`."
	const code = "NotImplemented"
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		h.Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusNotImplemented)
		_, _ = w.Write([]byte("<ErrorResponse><Error><Type>Receiver</Type><Code>" + code + "</Code><Message>" + message + "</Message></Error><RequestId>" + id + "</RequestId></ErrorResponse>\n"))
		return
	}
	h.Set("Content-Type", "application/x-amz-json-1.1")
	h.Set("X-Amzn-Errortype", code)
	w.WriteHeader(http.StatusNotImplemented)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
}

// requestID returns a fresh request ID of the form that AWS gives out.
func requestID() string {
	id, err := uuid.NewRandomFromReader(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return id.String()
}
