package sns

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"cairn"
	"cairn/aws"
)

// topicActions are what a topic's policy can be about, as AddPermission takes them.
var topicActions = []string{
	"GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe", "ListSubscriptionsByTopic", "Publish",
}

// defaultPolicy leaves the choice to the owner's identity-based policies.
func defaultPolicy(n topicName) string {
	actions := make([]string, len(topicActions))
	for i, action := range topicActions {
		actions[i] = "SNS:" + action
	}
	document := policyDocument{Version: "2008-10-17", ID: "__default_policy_ID", Statement: []json.RawMessage{encode(policyStatement{
		Sid: "__default_statement_ID", Effect: "Allow", Principal: map[string]any{"AWS": "*"}, Action: actions, Resource: n.arn(),
		Condition: map[string]any{"StringEquals": map[string]string{"AWS:SourceOwner": n.account}},
	})}}
	return string(encode(document))
}

type policyDocument struct {
	Version   string            `json:",omitempty"`
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage // as they were given
}

type policyStatement struct {
	Sid       string
	Effect    string
	Principal any
	Action    any
	Resource  string
	Condition any `json:",omitempty"`
}

// encode writes JSON as AWS does, without escapes for HTML.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("sns: encode: " + err.Error()) // of texts, maps and lists, which all have a form
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// policyOf returns a topic's policy for the authorisation of a call.
func (s *Service) policyOf(_ context.Context, c *aws.Call, arn string) (*aws.ResourcePolicy, error) {
	n, ok := parseTopic(c.Region, arn)
	if !ok {
		return nil, nil
	}
	t, err := s.loadTopic(n)
	if err != nil || t == nil {
		return nil, err
	}
	return &aws.ResourcePolicy{Account: t.account, Document: t.Policy, Trusted: t.Trusted}, nil
}

func (s *Service) addPermission(ctx context.Context, c *aws.Call, in *AddPermissionInput) (*AddPermissionOutput, error) {
	var principals, actions []string
	for _, account := range in.AWSAccountId {
		if !isAccount(account) {
			return nil, errInvalid("AWSAccountId Reason: %q is not the ID of an account", account)
		}
		principals = append(principals, "arn:"+cairn.PartitionOf(c.Region)+":iam::"+account+":root")
	}
	for _, action := range in.ActionName {
		if action != "*" && !slices.Contains(topicActions, action) {
			return nil, errInvalid("ActionName Reason: %q is not an action on topics", action)
		}
		actions = append(actions, "SNS:"+action)
	}
	return &AddPermissionOutput{}, s.changeStatements(c, in.TopicArn, func(t *topic, d *policyDocument) error {
		if slices.ContainsFunc(d.Statement, hasSid(in.Label)) {
			return errInvalid("Statement already exists")
		}
		d.Statement = append(d.Statement, encode(policyStatement{
			Sid: in.Label, Effect: "Allow", Principal: map[string]any{"AWS": principals}, Action: actions, Resource: t.arn(),
		}))
		return nil
	})
}

func (s *Service) removePermission(ctx context.Context, c *aws.Call, in *RemovePermissionInput) (*RemovePermissionOutput, error) {
	return &RemovePermissionOutput{}, s.changeStatements(c, in.TopicArn, func(_ *topic, d *policyDocument) error {
		kept := slices.DeleteFunc(slices.Clone(d.Statement), hasSid(in.Label))
		if len(kept) == len(d.Statement) {
			return &aws.Error{Code: "NotFound", Status: 404, Message: "Statement does not exist"}
		}
		d.Statement = kept
		return nil
	})
}

// changeStatements changes the statements of a topic's policy.
func (s *Service) changeStatements(c *aws.Call, arn string, fn func(*topic, *policyDocument) error) error {
	return s.changeTopic(c, arn, func(t *topic) error {
		var d struct {
			Version   string
			ID        string `json:"Id"`
			Statement json.RawMessage
		}
		if err := json.Unmarshal([]byte(t.Policy), &d); err != nil {
			return err
		}
		document := policyDocument{Version: d.Version, ID: d.ID}
		if one := bytes.TrimSpace(d.Statement); bytes.HasPrefix(one, []byte("{")) {
			document.Statement = []json.RawMessage{d.Statement}
		} else if err := json.Unmarshal(d.Statement, &document.Statement); err != nil {
			return err
		}
		if err := fn(t, &document); err != nil {
			return err
		}
		if len(document.Statement) == 0 {
			// A policy has a statement; this one lets nobody in that the owner's
			// identity-based policies do not.
			t.Policy, t.Trusted = defaultPolicy(t.topicName), nil
			return nil
		}
		return s.setPolicy(t, string(encode(document)))
	})
}

func hasSid(sid string) func(json.RawMessage) bool {
	return func(raw json.RawMessage) bool {
		var statement struct{ Sid string }
		return json.Unmarshal(raw, &statement) == nil && statement.Sid == sid
	}
}
