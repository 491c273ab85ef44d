package server

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"cairn/eventlog"
	"cairn/gateway"
)

var long = flag.Bool("long", false, "run the tests that need minutes or other programs")

// The AWS provider of Terraform makes a trail with a bucket, a key, a topic, tags,
// selectors and Insights, finds nothing to change, changes it, and removes it all.
//
// It needs -long, terraform, and in TF_CLI_CONFIG_FILE a configuration of the
// command line that finds the provider without the network.
func TestTerraform(t *testing.T) {
	t.Parallel()
	program := terraform(t)
	a, key, stop := serveConfig(t, Config{Data: t.TempDir(), Retention: eventlog.Forever, Regions: []string{"us-east-1", "eu-west-1"}, Throttle: true})
	defer stop()
	run := workIn(t, program, "testdata/terraform", "AWS_ENDPOINT_URL="+a.URL, "AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.Secret, "TF_VAR_topic=true")
	applyAll(run, "1", "2", "3")
}

// Terraform makes, changes and removes what it keeps in an emulator through the gateway,
// and every change is in the history. It needs what TestTerraform needs, and moto_server.
func TestGatewayTerraform(t *testing.T) {
	t.Parallel()
	program := terraform(t)
	emulator := startMoto(t)
	a, key, stop := serveConfig(t, Config{
		Data: t.TempDir(), AccountID: emulatorAccount, Retention: eventlog.Forever,
		Gateway: &GatewayConfig{Listeners: []GatewayListener{{Listen: "127.0.0.1:0", Routes: []gateway.Route{{Name: "emulator", Upstreams: []string{emulator}}}}}},
	})
	defer stop()
	applyAll(workIn(t, program, "testdata/terraform_gateway",
		"AWS_ENDPOINT_URL="+gatewayURL(t, a), "AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.Secret), "1", "2")
	seen := make(map[string]int)
	for _, r := range gatewayRecords(t, a) {
		if r.tree["readOnly"] == false && r.tree["errorCode"] == nil {
			seen[fmt.Sprint(r.tree["eventName"])]++
		}
	}
	for _, name := range []string{"CreateBucket", "PutBucketVersioning", "PutObject", "CreateRole", "PutRolePolicy", "CreateTable", "TagResource", "CreateQueue",
		"SetQueueAttributes", "CreateTopic", "DeleteTopic", "DeleteQueue", "DeleteTable", "DeleteRolePolicy", "DeleteRole", "DeleteBucket"} {
		if seen[name] == 0 {
			t.Errorf("there is no event of %s; there are %v", name, seen)
		}
	}
}

// terraform finds the program, or skips the test.
func terraform(t *testing.T) string {
	t.Helper()
	if !*long {
		t.Skip("without -long")
	}
	program, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("there is no terraform")
	}
	if os.Getenv("TF_CLI_CONFIG_FILE") == "" {
		t.Skip("TF_CLI_CONFIG_FILE names no mirror of the AWS provider")
	}
	return program
}

// applyAll applies each stage and finds nothing to change behind it, and removes all.
func applyAll(run func(stage string, args ...string), stages ...string) {
	run(stages[0], "init")
	for _, stage := range stages {
		run(stage, "apply", "-auto-approve")
		run(stage, "plan", "-detailed-exitcode") // exits with 2 if there is something to change
	}
	run(stages[len(stages)-1], "destroy", "-auto-approve")
}

// workIn returns what runs Terraform on a copy of a directory's configuration, because init
// writes a lock file beside it.
func workIn(t *testing.T, program, from string, environment ...string) func(stage string, args ...string) {
	t.Helper()
	work, home := t.TempDir(), t.TempDir()
	environment = append(append(os.Environ(), "HOME="+home, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "AWS_EC2_METADATA_DISABLED=true", "AWS_PROFILE="), environment...)
	b, err := os.ReadFile(filepath.Join(from, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(work, "main.tf"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return func(stage string, args ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, append(args, "-no-color", "-input=false")...)
		cmd.Dir, cmd.Env = work, append(environment, "TF_VAR_stage="+stage)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("stage %s, terraform %v: %v\n%s", stage, args, err, out)
		}
	}
}
