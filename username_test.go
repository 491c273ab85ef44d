package cairn_test

import (
	"testing"

	"cairn"
)

func TestUsername(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, identity, want string }{
		{"IAM user", `{"type":"IAMUser","userName":"ann","principalId":"AIDAX"}`, "ann"},
		{"IAM user without a name", `{"type":"IAMUser","principalId":"AIDAX"}`, ""},
		{"root", `{"type":"Root","principalId":"111122223333"}`, "root"},
		{"root with an alias", `{"type":"Root","userName":"my-alias"}`, "root"},
		{"role session by ARN", `{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/Admin/ann@example.com","principalId":"AROAX:other"}`, "ann@example.com"},
		{"role session of a role with a path", `{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/a/b/ann"}`, "ann"},
		{"role session by principal", `{"type":"AssumedRole","principalId":"AROAX:i-0abc"}`, "i-0abc"},
		{"role session with another ARN", `{"type":"AssumedRole","arn":"arn:aws:iam::111122223333:role/Admin","principalId":"AROAX:ann"}`, "ann"},
		{"role session is not the role", `{"type":"AssumedRole","principalId":"AROAX","sessionContext":{"sessionIssuer":{"userName":"Admin"}}}`, ""},
		{"federated user by ARN", `{"type":"FederatedUser","arn":"arn:aws:sts::111122223333:federated-user/pat"}`, "pat"},
		{"federated user by principal", `{"type":"FederatedUser","principalId":"111122223333:pat"}`, "pat"},
		{"SAML user", `{"type":"SAMLUser","principalId":"q=:eve","userName":"eve"}`, "eve"},
		{"web identity", `{"type":"WebIdentityUser","principalId":"accounts.google.com:app:1","userName":"1"}`, "1"},
		{"identity centre", `{"type":"IdentityCenterUser","accountId":"111122223333"}`, ""},
		{"service", `{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}`, ""},
		{"other account", `{"type":"AWSAccount","principalId":"AIDAX","accountId":"444455556666"}`, ""},
		{"other account with a name", `{"type":"AWSAccount","userName":"zoe"}`, "zoe"},
		{"hidden", `{"type":"IAMUser","userName":"HIDDEN_DUE_TO_SECURITY_REASONS"}`, "HIDDEN_DUE_TO_SECURITY_REASONS"},
		{"no type", `{"invokedBy":"AWS Internal"}`, ""},
		{"null", `null`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			raw := `{"eventVersion":"1.08","userIdentity":` + test.identity + `,"eventTime":"2024-05-02T08:20:09Z",` +
				`"eventSource":"s","eventName":"n","awsRegion":"r","eventID":"e","recipientAccountId":"111122223333"}`
			var r cairn.Record
			if err := r.Extract([]byte(raw)); err != nil {
				t.Fatal(err)
			}
			if r.Username != test.want {
				t.Errorf("Username %q, want %q", r.Username, test.want)
			}
		})
	}
}
