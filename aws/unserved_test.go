package aws_test

import (
	"encoding/json"
	"encoding/xml"
	"testing"
)

// A client of a service that is not served gets its refusal in the form that it
// reads.
func TestUnservedProtocols(t *testing.T) {
	t.Parallel()
	const message = "not served here."
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
	type details struct{ Code, Message string }
	fromXML := func(root string) func(string) (details, string, error) {
		return func(body string) (details, string, error) {
			var e struct {
				XMLName xml.Name
				Code    string
				Message string
				Error   details
				Errors  struct{ Error details }
				ID      string `xml:"RequestId"`
				EC2ID   string `xml:"RequestID"`
			}
			err := xml.Unmarshal([]byte(body), &e)
			if e.XMLName.Local != root {
				t.Errorf("the root of %s is not %s", body, root)
			}
			d := e.Error
			if e.Errors.Error != (details{}) {
				d = e.Errors.Error
			}
			if e.Code != "" {
				d = details{e.Code, e.Message}
			}
			return d, e.ID + e.EC2ID, err
		}
	}
	fromJSON := func(body string) (details, string, error) {
		var e struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		err := json.Unmarshal([]byte(body), &e)
		return details{e.Type, e.Message}, "", err
	}
	for name, tt := range map[string]struct {
		q      request
		code   string
		status int
		read   func(string) (details, string, error)
	}{
		"ec2":                    {request{service: "ec2", body: "Action=DescribeInstances&Version=2016-11-15", header: form}, "InvalidAction", 404, fromXML("Response")},
		"query":                  {request{service: "rds", body: "Action=DescribeDBInstances&Version=2014-10-31", header: form}, "InvalidAction", 404, fromXML("ErrorResponse")},
		"JSON":                   {request{service: "dynamodb", target: "DynamoDB_20120810.ListTables", body: "{}"}, "UnknownOperationException", 404, fromJSON},
		"JSON of a later client": {request{service: "monitoring", target: "GraniteServiceVersion20100801.ListMetrics", body: "{}"}, "UnknownOperationException", 404, fromJSON},
		"query of an earlier":    {request{service: "monitoring", body: "Action=ListMetrics&Version=2010-08-01", header: form}, "InvalidAction", 404, fromXML("ErrorResponse")},
		"REST with JSON":         {request{service: "lambda", method: "GET", url: "http://localhost/2015-03-31/functions"}, "UnknownOperationException", 404, fromJSON},
		"REST with XML":          {request{service: "route53", method: "GET", url: "http://localhost/2013-04-01/hostedzone"}, "InvalidAction", 404, fromXML("ErrorResponse")},
		"S3":                     {request{service: "s3", method: "GET", url: "http://localhost/bucket"}, "MethodNotAllowed", 405, fromXML("Error")},
		"a service of nobody's":  {request{service: "teapots", body: "{}"}, "UnknownOperationException", 404, fromJSON},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			r := w.send(t, tt.q)
			body := text(t, r)
			got, id, err := tt.read(body)
			want := details{tt.code, "The service " + tt.q.service + " is " + message}
			if err != nil || got != want || r.StatusCode != tt.status {
				t.Errorf("%d %s: %v; want %d %+v", r.StatusCode, body, err, tt.status, want)
			}
			if id != "" && id != r.Header.Get("X-Amzn-Requestid") {
				t.Errorf("the body has the request ID %q, the header %q", id, r.Header.Get("X-Amzn-Requestid"))
			}
			w.wantEvents(t, 1, 0)
		})
	}
}
