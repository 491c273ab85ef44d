package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"cairn/gateway"
)

// kubernetesCall maps an event and returns the record's name and readOnly.
func kubernetesCall(t *testing.T, verb, ref string) string {
	t.Helper()
	event := fmt.Sprintf(`{"auditID":"a","stage":"ResponseComplete","verb":%q,"objectRef":%s,"requestReceivedTimestamp":"2026-02-27T19:39:25.744431Z"}`, verb, ref)
	rec, err := gateway.KubernetesRecord([]byte(event), place)
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		EventName string
		ReadOnly  bool
	}
	if err := json.Unmarshal(rec, &r); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(r.EventName, " ", r.ReadOnly)
}

func TestKubernetesNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ verb, ref, want string }{
		{"create", `{"resource":"pods"}`, "CreatePod false"},
		{"delete", `{"resource":"secrets","name":"s"}`, "DeleteSecret false"},
		{"patch", `{"resource":"deployments","apiGroup":"apps","subresource":"scale"}`, "PatchDeploymentScale false"},
		{"get", `{"resource":"networkpolicies"}`, "GetNetworkPolicy true"},
		{"list", `{"resource":"networkpolicies"}`, "ListNetworkPolicies true"},
		{"watch", `{"resource":"ingresses"}`, "WatchIngresses true"},
		{"get", `{"resource":"ingresses"}`, "GetIngress true"},
		{"get", `{"resource":"endpoints"}`, "GetEndpoints true"},
		{"list", `{"resource":"endpoints"}`, "ListEndpoints true"},
		{"list", `{"resource":"clusterrolebindings"}`, "ListClusterRoleBindings true"},
		{"deletecollection", `{"resource":"storageclasses"}`, "DeleteCollectionStorageClasses false"},
		{"create", `{"resource":"pods","subresource":"exec"}`, "CreatePodExec false"},
		{"get", `{"resource":"pods","subresource":"exec"}`, "GetPodExec false"}, // over a WebSocket
		{"get", `{"resource":"pods","subresource":"log"}`, "GetPodLog true"},
		{"get", `{"resource":"services","subresource":"proxy"}`, "GetServiceProxy false"},
		{"create", `{"resource":"pods","subresource":"eviction"}`, "CreatePodEviction false"},
		{"get", `{"resource":"widgets","apiGroup":"sts.amazonaws.com"}`, "GetWidget true"},
		{"post", `null`, "PostNonResourceURL false"},
		{"impersonate\n", `{"resource":"users"}`, "ImpersonateUser false"},
	} {
		if got := kubernetesCall(t, test.verb, test.ref); got != test.want {
			t.Errorf("%s %s is recorded as %s, want %s", test.verb, test.ref, got, test.want)
		}
	}
}

// Both stages of a request that takes long are one record, whichever of them comes; the
// received stage is none.
func TestKubernetesStages(t *testing.T) {
	t.Parallel()
	_, started := auditFields(t, "kubernetes-exec", "", "")
	_, done := auditFields(t, "kubernetes-exec", `"stage":"ResponseStarted"`, `"annotations":{"x":"later"},"stage":"ResponseComplete"`)
	_, done2 := auditFields(t, "kubernetes-exec", `"stage":"ResponseStarted","requestURI"`, `"stage":"ResponseComplete","requestURI"`)
	if started != done || started != done2 {
		t.Errorf("the stages give different records:\n%s\n%s", started, done)
	}
	rec, err := gateway.KubernetesRecord([]byte(`{"auditID":"a","stage":"RequestReceived","verb":"get"}`), place)
	if rec != nil || err != nil {
		t.Errorf("the received stage gives %s, %v", rec, err)
	}
	// A client can choose the audit ID, not when its request came.
	first, _ := auditFields(t, "kubernetes-patch-secret", "", "")
	second, _ := auditFields(t, "kubernetes-patch-secret", "19:40:01.000001Z", "19:40:01.000002Z")
	if first["eventID"] == second["eventID"] {
		t.Error("two requests with one audit ID have one eventID")
	}
	fields, _ := auditFields(t, "kubernetes-token", `"responseStatus":{"code":201},`, "")
	if fields["additionalEventData"].(map[string]any)["outcome"] != "unknown" {
		t.Error("an event without a status has a known outcome")
	}
}

// What only some kinds hold as secrets is taken out wherever it stands; what is no
// secret stays.
func TestKubernetesSecrets(t *testing.T) {
	t.Parallel()
	put := func(resource, object string) string {
		event := `{"auditID":"a","stage":"ResponseComplete","level":"RequestResponse","verb":"update","objectRef":{"resource":"` + resource + `"},"requestObject":` + object +
			`,"responseObject":` + object + `,"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-02-27T19:39:25Z"}`
		rec, err := gateway.KubernetesRecord([]byte(event), place)
		if err != nil {
			t.Fatal(err)
		}
		return string(rec)
	}
	for _, test := range []struct{ resource, object string }{
		{"secrets", `{"data":{"k":"` + marker + `"}}`},
		{"secrets", `{"kind":"ConfigList","data":"` + marker + `","stringData":["` + marker + `"]}`},
		{"secrets", `"` + marker + `"`},
		{"secrets", `{"kind":"SecretList","items":[{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"` + marker + `"}},"data":{"k":"` + marker + `"}}]}`},
		{"configmaps", `{"data":{"k":"` + marker + `"},"binaryData":{"b":"` + marker + `"}}`},
		{"things", `{"kind":"List","items":[{"kind":"Secret","data":{"k":"` + marker + `"}}]}`},
		{"things", `{"kind":"Wrapper","spec":{"template":{"kind":"Secret","stringData":{"k":"` + marker + `"}}}}`},
		{"tokenreviews", `{"kind":"TokenReview","spec":{"token":"` + marker + `"}}`},
		{"pods", `[{"op":"add","path":"/spec/env/dbPassword","value":"` + marker + `"}]`},
		{"pods", `{"spec":{"env":[{"name":"X_API_KEY","value":"` + marker + `"}],"clientSecret":"` + marker + `"}}`},
	} {
		if rec := put(test.resource, test.object); strings.Contains(rec, marker) || !strings.Contains(rec, "HIDDEN_DUE_TO_SECURITY_REASONS") {
			t.Errorf("a secret of %s is in %s", test.resource, rec)
		}
	}
	rec := put("pods", `{"kind":"Pod","spec":{"volumes":[{"secret":{"secretName":"kept-1"}}],"env":[{"name":"MODE","value":"kept-2"}],"data":"kept-3"}}`)
	for _, kept := range []string{"kept-1", "kept-2", "kept-3"} {
		if !strings.Contains(rec, kept) {
			t.Errorf("%s is missing in %s", kept, rec)
		}
	}
	deep := strings.Repeat(`{"a":`, 150) + `1` + strings.Repeat(`}`, 150)
	if rec := put("pods", deep); !strings.Contains(rec, `"omitted":true`) {
		t.Errorf("an object beyond the bounds is %.300s", rec)
	}
}
