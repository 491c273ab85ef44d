package sns_test

import (
	"strings"
	"testing"

	. "cairn/service/sns"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy, body string
		want         bool
	}{
		{`{"a":["x"]}`, `{"a":"x"}`, true},
		{`{"a":["x"]}`, `{"a":"y"}`, false},
		{`{"a":["x"]}`, `{}`, false},
		{`{"a":["x","y"]}`, `{"a":"y"}`, true},
		{`{"a":["x"]}`, `{"a":["z","x"]}`, true},
		{`{"a":["x"],"b":["y"]}`, `{"a":"x"}`, false},
		{`{"a":["x"],"b":["y"]}`, `{"a":"x","b":"y"}`, true},
		{`{"a":[1]}`, `{"a":1.0}`, true},
		{`{"a":[1]}`, `{"a":"1"}`, false},
		{`{"a":["1"]}`, `{"a":1}`, false},
		{`{"a":[true]}`, `{"a":true}`, true},
		{`{"a":[true]}`, `{"a":"true"}`, false},
		{`{"a":[null]}`, `{"a":null}`, true},
		{`{"a":[null]}`, `{}`, false},
		{`{"a":[9007199254740993]}`, `{"a":9007199254740992}`, false},
		{`{"a":[{"prefix":"ab"}]}`, `{"a":"abc"}`, true},
		{`{"a":[{"prefix":"ab"}]}`, `{"a":"bab"}`, false},
		{`{"a":[{"suffix":".json"}]}`, `{"a":"x.json"}`, true},
		{`{"a":[{"equals-ignore-case":"AB"}]}`, `{"a":"aB"}`, true},
		{`{"a":[{"wildcard":"AWSLogs/*/CloudTrail/*.gz"}]}`, `{"a":"AWSLogs/1/CloudTrail/x.gz"}`, true},
		{`{"a":[{"wildcard":"AWSLogs/*/CloudTrail/*.gz"}]}`, `{"a":"AWSLogs/1/Config/x.gz"}`, false},
		{`{"a":[{"wildcard":"a*a"}]}`, `{"a":"a"}`, false},
		{`{"a":[{"cidr":"10.0.0.0/8"}]}`, `{"a":"10.1.2.3"}`, true},
		{`{"a":[{"cidr":"10.0.0.0/8"}]}`, `{"a":"11.1.2.3"}`, false},
		{`{"a":[{"numeric":[">",0,"<=",10]}]}`, `{"a":10}`, true},
		{`{"a":[{"numeric":[">",0,"<=",10]}]}`, `{"a":0}`, false},
		{`{"a":[{"numeric":["=",1e2]}]}`, `{"a":100}`, true},
		{`{"a":[{"numeric":[">",0]}]}`, `{"a":"1"}`, false},
		{`{"a":[{"numeric":[">",0]}]}`, `{"a":1e999999999}`, false},
		{`{"a":[{"anything-but":"x"}]}`, `{"a":"y"}`, true},
		{`{"a":[{"anything-but":"x"}]}`, `{"a":"x"}`, false},
		{`{"a":[{"anything-but":"x"}]}`, `{}`, false},
		{`{"a":[{"anything-but":["x",1]}]}`, `{"a":1}`, false},
		{`{"a":[{"anything-but":["x"]}]}`, `{"a":["x","y"]}`, true},
		{`{"a":[{"anything-but":{"prefix":"x"}}]}`, `{"a":"xy"}`, false},
		{`{"a":[{"anything-but":{"prefix":"x"}}]}`, `{"a":"y"}`, true},
		{`{"a":[{"exists":true}]}`, `{"a":null}`, true},
		{`{"a":[{"exists":true}]}`, `{}`, false},
		{`{"a":[{"exists":false}]}`, `{"b":1}`, true},
		{`{"a":[{"exists":false}]}`, `{"a":1}`, false},
		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"b":"y"}`, true},
		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"b":"x"}`, false},
		{`{"c":[1],"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"b":"y"}`, false},
		{`{"a":{"b":["c"]}}`, `{"a":{"b":"c"}}`, true},
		{`{"a":{"b":["c"]}}`, `{"a":"c"}`, false},
		{`{"a":{"b":["c"]}}`, `{"a":[{"b":"x"},{"b":"c"}]}`, true},
		{`{"a":{"b":[{"exists":false}]}}`, `{}`, true},
		{`{"a":["x"]}`, `["x"]`, false},
		{`{"a":["x"]}`, `no JSON`, false},
	} {
		got, err := Lets(c.policy, "MessageBody", c.body, nil)
		if err != nil || got != c.want {
			t.Errorf("policy %s, body %s: %t (%v), want %t", c.policy, c.body, got, err, c.want)
		}
	}
}

func TestFilterOfAttributes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy, kind, value string
		want                bool
	}{
		{`{"a":["x"]}`, "String", "x", true},
		{`{"a":["x"]}`, "String.custom", "x", true},
		{`{"a":["1"]}`, "String", "1", true},
		{`{"a":[1]}`, "String", "1", false},
		{`{"a":[1]}`, "Number", "1.0", true},
		{`{"a":["x"]}`, "String.Array", `["y","x"]`, true},
		{`{"a":[{"anything-but":["y"]}]}`, "String.Array", `["y"]`, false},
		{`{"a":[{"exists":true}]}`, "Binary", "AA==", true},
		{`{"a":["AA=="]}`, "Binary", "AA==", false},
		{`{"a":["b"]}`, "String", "", false},
	} {
		got, err := Lets(c.policy, "", "", map[string][2]string{"a": {c.kind, c.value}})
		if err != nil || got != c.want {
			t.Errorf("policy %s, %s %s: %t (%v), want %t", c.policy, c.kind, c.value, got, err, c.want)
		}
	}
}

func TestRefusedFilters(t *testing.T) {
	t.Parallel()
	many := `"` + strings.Repeat(`x","`, 150) + `x"`
	for policy, scope := range map[string]string{
		`[]`:                                  "MessageBody",
		`null`:                                "MessageBody",
		`{"a":"x"}`:                           "MessageBody",
		`{"a":[]}`:                            "MessageBody",
		`{"a":[["x"]]}`:                       "MessageBody",
		`{"a":[{"like":"x"}]}`:                "MessageBody",
		`{"a":[{"prefix":1}]}`:                "MessageBody",
		`{"a":[{"exists":"yes"}]}`:            "MessageBody",
		`{"a":[{"numeric":[">"]}]}`:           "MessageBody",
		`{"a":[{"numeric":["~",1]}]}`:         "MessageBody",
		`{"a":[{"numeric":[">","1"]}]}`:       "MessageBody",
		`{"a":[{"cidr":"10.0.0.0"}]}`:         "MessageBody",
		`{"a":[{"anything-but":[]}]}`:         "MessageBody",
		`{"a":[{"prefix":"x","suffix":"y"}]}`: "MessageBody",
		`{"a":{"b":["x"]}}`:                   "MessageAttributes",
		`{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}`: "MessageBody",
		`{"a":[` + many + `]}`:                              "MessageBody",
		`{"a":{"a":{"a":{"a":{"a":{"a":["x"]}}}}}}`:         "MessageBody",
		`{"a":["x"]} x`:                                     "MessageBody",
	} {
		if _, err := Lets(policy, scope, "{}", nil); err == nil {
			t.Errorf("the filter %.80s is taken", policy)
		}
	}
}
