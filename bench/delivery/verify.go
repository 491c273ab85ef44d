package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// A took is what one run of a program took.
type took struct {
	elapsed, cpu time.Duration
	server       time.Duration // processor time of the server meanwhile
}

// A verified is what was measured of one bucket.
type verified struct {
	serving    serving
	cairn, aws took
}

// measureVerify verifies a bucket of small log files, and one of big ones.
func (b *bench) measureVerify(ctx context.Context) error {
	program, err := b.cairnProgram(ctx)
	if err != nil {
		return err
	}
	awsCLI := ""
	if b.awsCLI != "" {
		if awsCLI, err = exec.LookPath(b.awsCLI); err != nil {
			b.table.remark("There is no program aws, so that Cairn's verifier stands alone.")
		}
	}
	for _, step := range []struct {
		name  string
		chain chainSpec
		to    **verified
	}{
		{"small", chainSpec{Files: b.small, Events: smallEvents}, &b.table.small},
		{"big", chainSpec{Files: b.big, Bytes: b.bigBytes}, &b.table.big},
	} {
		if step.chain.Files == 0 {
			continue
		}
		if *step.to, err = b.verifyBucket(ctx, step.name, step.chain, program, awsCLI); err != nil {
			return fmt.Errorf("%s log files: %w", step.name, err)
		}
	}
	return nil
}

// cairnProgram returns the path of cairn, which is built unless one was named.
func (b *bench) cairnProgram(ctx context.Context) (string, error) {
	if b.cairn != "" {
		return exec.LookPath(b.cairn)
	}
	b.note("building cairn …")
	program := filepath.Join(b.temp, "cairn")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "cairn/cmd/cairn").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build cairn (or name one with -cairn): %w\n%s", err, out)
	}
	return program, nil
}

func (b *bench) verifyBucket(ctx context.Context, name string, chain chainSpec, program, awsCLI string) (_ *verified, err error) {
	b.note("making a digest chain of %d %s log files …", chain.Files, name)
	dir := filepath.Join(b.temp, name)
	var v verified
	p, err := b.start(ctx, spec{Task: taskChain, Dir: dir, Chain: chain}, "verify-server-"+name, &v.serving)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop(), os.RemoveAll(dir)) }()
	b.note("verifying it …")
	run := func(expect *regexp.Regexp, program string, args ...string) (took, error) {
		before := cpuOf(p.pid)
		t, err := b.verifier(ctx, &v.serving, expect, program, args...)
		t.server = cpuOf(p.pid) - before
		return t, err
	}
	if v.cairn, err = run(cairnFound, program, "verify", "--endpoint-url", v.serving.URL, "--trail-arn", v.serving.Trail); err != nil {
		return nil, err
	}
	if awsCLI == "" {
		return &v, nil
	}
	v.aws, err = run(awsFound, awsCLI, "cloudtrail", "validate-logs", "--trail-arn", v.serving.Trail, "--start-time", v.serving.Start.UTC().Format(time.RFC3339))
	return &v, err
}

// What the verifiers print when everything is valid: how many digests and log
// files there are.
var (
	cairnFound = regexp.MustCompile(`(?s)(?P<digests>\d+) digests?.*?(?P<files>\d+) log files?`)
	awsFound   = regexp.MustCompile(`(?s)(?P<digests>\d+)/\d+ digest files valid.*?(?P<files>\d+)/\d+ log files valid`)
)

// verifier runs a program that must find everything valid.
func (b *bench) verifier(ctx context.Context, s *serving, expect *regexp.Regexp, program string, args ...string) (t took, err error) {
	cmd := exec.CommandContext(ctx, program, args...)
	// Nothing but what is given here says where and as whom.
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + b.temp, "LANG=C.UTF-8", "AWS_ENDPOINT_URL=" + s.URL, "AWS_DEFAULT_REGION=" + region, "AWS_REGION=" + region,
		"AWS_ACCESS_KEY_ID=" + s.Key.ID, "AWS_SECRET_ACCESS_KEY=" + s.Key.Secret, "AWS_PAGER=",
	}
	if root := os.Getenv("PYENV_ROOT"); root != "" {
		cmd.Env = append(cmd.Env, "PYENV_ROOT="+root)
	}
	cmd.Dir = b.temp
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err = cmd.Run()
	t.elapsed = time.Since(began)
	if err != nil {
		return t, fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), args[0], err, out.Bytes())
	}
	t.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	found := expect.FindSubmatch(out.Bytes())
	if found == nil {
		return t, fmt.Errorf("%s %s does not say what it verified:\n%s", filepath.Base(program), args[0], out.Bytes())
	}
	digests, _ := strconv.Atoi(string(found[expect.SubexpIndex("digests")]))
	files, _ := strconv.Atoi(string(found[expect.SubexpIndex("files")]))
	if digests != s.Digests || files != s.Files {
		return t, fmt.Errorf("%s %s verified %d digests and %d log files of %d and %d:\n%s", filepath.Base(program), args[0], digests, files, s.Digests, s.Files, out.Bytes())
	}
	return t, nil
}
