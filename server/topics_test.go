package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// A subscriber on loopback gets what is published if it is allowed, by links that
// lead to the server.
func TestTopics(t *testing.T) {
	t.Parallel()
	got := make(chan map[string]string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m map[string]string
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Errorf("the subscriber got no JSON: %v", err)
		}
		got <- m
	}))
	t.Cleanup(hook.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	next := func() map[string]string {
		select {
		case m := <-got:
			return m
		case <-ctx.Done():
			t.Fatal("nothing came to the subscriber")
			return nil
		}
	}
	a, key, stop := serveConfig(t, Config{Data: t.TempDir(), WebhookAllow: []string{strings.TrimPrefix(hook.URL, "http://")}})
	defer stop()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	web := &http.Client{Transport: transport}
	c := sns.New(sns.Options{Region: DefaultRegion, BaseEndpoint: awssdk.String(a.URL), HTTPClient: web,
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.Secret, "")})
	topic, err := c.CreateTopic(ctx, &sns.CreateTopicInput{Name: awssdk.String("t")})
	if err != nil {
		t.Fatal(err)
	}
	subscribe := func(endpoint string) error {
		_, err := c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: awssdk.String("http"), Endpoint: &endpoint})
		return err
	}
	if err := subscribe(a.URL + "/"); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("an address that is not allowed: error %v", err)
	}
	if err := subscribe(hook.URL); err != nil {
		t.Fatal(err)
	}
	confirm := next()
	for name, want := range map[string]string{"SubscribeURL": "<ConfirmSubscriptionResponse", "SigningCertURL": "-----BEGIN CERTIFICATE-----"} {
		if !strings.HasPrefix(confirm[name], a.URL+"/") {
			t.Fatalf("%s is %q, and the server is at %s", name, confirm[name], a.URL)
		}
		resp, err := web.Get(confirm[name])
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), want) {
			t.Errorf("%s: %d %s (%v)", name, resp.StatusCode, body, err)
		}
	}
	if _, err := c.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: awssdk.String("hello")}); err != nil {
		t.Fatal(err)
	}
	if m := next(); m["Message"] != "hello" {
		t.Errorf("the subscriber got %v", m)
	}
}

func TestSettingsOfTopics(t *testing.T) {
	t.Parallel()
	for setting, cfg := range map[string]Config{
		"webhook-allow": {WebhookAllow: []string{"10.0.0.0/8", "*"}},
		"public-url":    {PublicURL: "https://cairn.example.com/path"},
	} {
		var bad *SettingError
		if err := cfg.Validate(); !errors.As(err, &bad) || bad.Setting != setting {
			t.Errorf("%s: error %v", setting, err)
		}
	}
	if err := (Config{WebhookAllow: []string{"10.0.0.0/8:8080", "hooks.corp"}, PublicURL: "https://cairn.example.com/"}).Validate(); err != nil {
		t.Error(err)
	}
}
