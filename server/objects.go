package server

import (
	"fmt"
	"net/http"
	"strings"

	"cairn/internal/objectstore"
	"cairn/service/s3"
)

// objectsName is the directory of the embedded S3's buckets in a data directory.
const objectsName = "objects"

// openObjects opens the store behind the embedded S3, and returns S3.
func (s *Server) openObjects(f *front) (*s3.Service, error) {
	var err error
	f.objects, err = objectstore.Open(s.objectsConfig())
	if err != nil {
		return nil, fmt.Errorf("open the object store: %w", err)
	}
	return &s3.Service{
		Objects: f.objects, Sealer: s.catalog.Keyring(), Identities: f.identities, KMS: s.kmsFor, Regions: s.regions(), Now: s.cfg.Now,
	}, nil
}

// ownPaths sends requests for the server's own paths to one handler and all others
// to the front, untouched: an http.ServeMux would clean the path, and keys of S3
// may have two slashes or dots. A signed request with a bucket in the name of the
// host is for a key of that name.
func ownPaths(own, front http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch p := r.URL.Path; {
		case strings.HasPrefix(p, "/_cairn/"), (p == "/health" || p == "/ready" || p == "/metrics") && !forBucketHost(r):
			own.ServeHTTP(w, r)
		default:
			front.ServeHTTP(w, r)
		}
	})
}

func forBucketHost(r *http.Request) bool {
	host, _, _ := strings.Cut(strings.ToLower(r.Host), ":")
	query := r.URL.Query()
	signed := r.Header.Get("Authorization") != "" || query.Has("X-Amz-Signature") || query.Has("Signature")
	return signed && strings.HasSuffix(host, ".localhost")
}
