package server

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"cairn/eventlog"
)

var long = flag.Bool("long", false, "run the tests that need minutes or other programs")

// The AWS provider of Terraform makes a trail with a bucket, a key, a topic, tags,
// selectors and Insights, finds nothing to change, changes it, and removes it all.
//
// It needs -long, terraform, and in TF_CLI_CONFIG_FILE a configuration of the
// command line that finds the provider without the network.
func TestTerraform(t *testing.T) {
	t.Parallel()
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
	a, key, stop := serveConfig(t, Config{Data: t.TempDir(), Retention: eventlog.Forever, Regions: []string{"us-east-1", "eu-west-1"}, Throttle: true})
	defer stop()
	dir, err := filepath.Abs("testdata/terraform")
	if err != nil {
		t.Fatal(err)
	}
	work, home := t.TempDir(), t.TempDir()
	environment := append(os.Environ(),
		"HOME="+home, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL="+a.URL, "AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.Secret, "AWS_PROFILE=", "TF_VAR_topic=true")
	// The configuration is copied, because init writes a lock file beside it.
	b, err := os.ReadFile(filepath.Join(dir, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(work, "main.tf"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(stage string, args ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, append(args, "-no-color", "-input=false")...)
		cmd.Dir, cmd.Env = work, append(environment, "TF_VAR_stage="+stage)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("stage %s, terraform %v: %v\n%s", stage, args, err, out)
		}
	}
	run("1", "init")
	for _, stage := range []string{"1", "2", "3"} {
		run(stage, "apply", "-auto-approve")
		run(stage, "plan", "-detailed-exitcode") // exits with 2 if there is something to change
	}
	run("3", "destroy", "-auto-approve")
}
