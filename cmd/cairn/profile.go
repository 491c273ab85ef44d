package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"cairn/internal/durable"
)

func (a *app) profileCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "profile",
		Short: "Install or remove a profile for AWS clients",
		Args:  subcommandArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	install := &cobra.Command{
		Use:   "install",
		Short: "Write a profile that points AWS clients at the running server",
		Long: `Write a profile with the endpoint URL, the region and the operator's access key into
the files that AWS clients read, or bring it up to date: ~/.aws/config and
~/.aws/credentials, or those that AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name.
Nothing else in them changes. A profile of that name without an endpoint URL was made by
somebody else, and is left alone.`,
		Example: "  cairn profile install && aws --profile cairn cloudtrail lookup-events",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.installProfile(cmd.Context(), name) },
	}
	remove := &cobra.Command{
		Use:   "remove",
		Short: "Remove the profile again",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return a.removeProfile(name) },
	}
	for _, sub := range []*cobra.Command{install, remove} {
		sub.Flags().StringVar(&name, "name", "cairn", "name of the profile")
	}
	c.AddCommand(install, remove)
	return c
}

// awsFiles are the two files that hold a profile.
type awsFiles struct {
	config, credentials profileFile
}

func (a *app) awsFiles(name string) (*awsFiles, error) {
	if name == "" || strings.ContainsAny(name, "[]'\"#;\\ \t\r\n") {
		return nil, usagef("--name %q: a profile's name has no blanks, quotes, brackets or comment signs", name)
	}
	f := &awsFiles{
		config:      profileFile{path: a.env["AWS_CONFIG_FILE"], section: "profile " + name},
		credentials: profileFile{path: a.env["AWS_SHARED_CREDENTIALS_FILE"], section: name},
	}
	if name == "default" {
		f.config.section = name
	}
	for file, base := range map[*profileFile]string{&f.config: "config", &f.credentials: "credentials"} {
		if file.path == "" {
			home := a.env["HOME"]
			if home == "" {
				home = a.env["USERPROFILE"]
			}
			if home == "" {
				return nil, errors.New("find the AWS files: neither HOME nor AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE are set")
			}
			file.path = filepath.Join(home, ".aws", base)
		}
		if err := file.read(); err != nil {
			return nil, err
		}
	}
	if f.config.path == f.credentials.path {
		return nil, fmt.Errorf("AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE are both %s; a profile needs two files", f.config.path)
	}
	// A profile that has credentials, or anything else, but no endpoint is one
	// for AWS itself.
	_, ours := f.config.get("endpoint_url")
	if !ours && (f.config.has() || f.credentials.has()) {
		return nil, fmt.Errorf("the profile %s in %s and %s has no endpoint_url, so it was not made for Cairn; take another --name", name, f.config.path, f.credentials.path)
	}
	return f, nil
}

func (a *app) installProfile(ctx context.Context, name string) error {
	setup, err := a.clientSetup(ctx)
	if err != nil {
		return err
	}
	if setup.key == nil {
		return fmt.Errorf("the file with the operator's access key is not in %s any more; write its key into the profile with `aws configure`", a.settings.values["data"])
	}
	f, err := a.awsFiles(name)
	if err != nil {
		return err
	}
	f.config.set("endpoint_url", setup.url)
	f.config.set("region", setup.region)
	if setup.caBundle != "" {
		f.config.set("ca_bundle", setup.caBundle)
	} else {
		f.config.unset("ca_bundle")
	}
	f.credentials.set("aws_access_key_id", setup.key.AccessKeyID)
	f.credentials.set("aws_secret_access_key", setup.key.Secret)
	f.credentials.unset("aws_session_token")
	// The profile first exists with its endpoint, so that its credentials never
	// stand alone, as if they were for AWS.
	if err := errors.Join(f.config.write(), f.credentials.write()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "The profile %s is in %s and %s. Try:\n  aws --profile %s cloudtrail lookup-events\n", name, f.config.path, f.credentials.path, name)
	return err
}

func (a *app) removeProfile(name string) error {
	f, err := a.awsFiles(name)
	if err != nil {
		return err
	}
	if !f.config.has() && !f.credentials.has() {
		_, err := fmt.Fprintf(a.stdout, "There is no profile %s in %s.\n", name, f.config.path)
		return err
	}
	f.config.remove()
	f.credentials.remove()
	if err := errors.Join(f.credentials.write(), f.config.write()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "The profile %s is gone from %s and %s.\n", name, f.config.path, f.credentials.path)
	return err
}

// A profileFile is one of AWS's INI files, of which one section is changed.
// Every line that is not changed stays as it is, byte for byte.
type profileFile struct {
	path    string
	section string // without brackets
	before  string
	lines   []string // with their line ends
}

// read reads the file. One that is not there is empty.
func (f *profileFile) read() error {
	b, err := os.ReadFile(f.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the AWS profiles: %w", err)
	}
	f.before = string(b)
	f.lines = strings.SplitAfter(f.before, "\n")
	if n := len(f.lines); f.lines[n-1] == "" {
		f.lines = f.lines[:n-1]
	}
	return nil
}

// header returns the name of the section that a line begins.
func header(line string) (string, bool) {
	line = strings.TrimPrefix(line, "\ufeff")
	if !strings.HasPrefix(line, "[") {
		return "", false
	}
	name, _, ok := strings.Cut(line[1:], "]")
	// A name may be quoted, and more than one blank may stand before it.
	return strings.Join(strings.Fields(strings.NewReplacer(`"`, "", `'`, "").Replace(name)), " "), ok
}

// find returns the lines of the section: from its header up to its last line
// that says something. What follows belongs to the next section.
func (f *profileFile) find() (from, to int, ok bool) {
	from = -1
	for i, line := range f.lines {
		name, isHeader := header(line)
		switch text := strings.TrimSpace(line); {
		case isHeader && from >= 0:
			return from, to, true
		case isHeader && name == f.section:
			from, to = i, i+1
		case from >= 0 && text != "" && !strings.HasPrefix(text, "#") && !strings.HasPrefix(text, ";"):
			to = i + 1
		}
	}
	return from, to, from >= 0
}

func (f *profileFile) has() bool {
	_, _, ok := f.find()
	return ok
}

// key returns the line of the section that sets a key.
func (f *profileFile) key(key string) (line int, ok bool) {
	from, to, ok := f.find()
	if !ok {
		return 0, false
	}
	for i := from + 1; i < to; i++ {
		if strings.HasPrefix(f.lines[i], " ") || strings.HasPrefix(f.lines[i], "\t") {
			continue // goes on with the line above
		}
		name, _, _ := strings.Cut(f.lines[i], "=")
		if strings.EqualFold(strings.TrimSpace(name), key) {
			return i, true
		}
	}
	return 0, false
}

func (f *profileFile) get(key string) (string, bool) {
	i, ok := f.key(key)
	if !ok {
		return "", false
	}
	_, value, _ := strings.Cut(f.lines[i], "=")
	return strings.TrimSpace(value), true
}

// set gives a key its value. A new section is put at the end, behind a blank
// line.
func (f *profileFile) set(key, value string) {
	if was, ok := f.get(key); ok && was == value {
		return
	}
	end := "\n"
	if strings.Contains(f.before, "\r\n") {
		end = "\r\n"
	}
	line := key + " = " + value + end
	if i, ok := f.key(key); ok {
		f.lines[i] = line
		return
	}
	_, to, ok := f.find()
	if n := len(f.lines); n > 0 && !strings.HasSuffix(f.lines[n-1], "\n") {
		f.lines[n-1] += end
	}
	if !ok {
		if len(f.lines) > 0 {
			f.lines = append(f.lines, end)
		}
		f.lines = append(f.lines, "["+f.section+"]"+end)
		to = len(f.lines)
	}
	f.lines = append(f.lines[:to], append([]string{line}, f.lines[to:]...)...)
}

// unset takes a key away.
func (f *profileFile) unset(key string) {
	if i, ok := f.key(key); ok {
		f.lines = append(f.lines[:i], f.lines[i+1:]...)
	}
}

// remove takes the section away, with the blank line before it.
func (f *profileFile) remove() {
	from, to, ok := f.find()
	if !ok {
		return
	}
	if from > 0 && strings.TrimSpace(f.lines[from-1]) == "" {
		from--
	}
	f.lines = append(f.lines[:from], f.lines[to:]...)
}

// write puts the changed file in place in one step, for the owner's eyes only.
// A file that is a link stays one.
func (f *profileFile) write() error {
	name := f.path
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	after := strings.Join(f.lines, "")
	if after == f.before {
		info, err := os.Stat(name)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = os.Chmod(name, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("protect the AWS profiles: %w", err)
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("write the AWS profiles: %w", err)
	}
	if err := durable.WriteFile(durable.OS, filepath.ToSlash(name), []byte(after), 0o600); err != nil {
		return fmt.Errorf("write the AWS profiles: %w", err)
	}
	return nil
}
