package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"time"

	"cairn/internal/sigv4"
)

// measureMoto measures moto_server with the calls that it has. What it lacks,
// and its absence, are noted.
func (b *bench) measureMoto(ctx context.Context) (err error) {
	if !b.moto {
		return nil
	}
	program, err := exec.LookPath("moto_server")
	if err != nil {
		b.table.remark("There is no moto_server on PATH, so that it is not measured.")
		return nil
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-H", "127.0.0.1", "-p", port)
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		b.table.remark("moto_server does not start (%v), so that it is not measured.", err)
		return nil
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is always stopped by a signal
	}()
	defer func() {
		cancel()
		<-ended
	}()
	b.note("measuring moto_server …")
	p := &process{cmd: cmd}
	peer := newPeer("http://127.0.0.1:"+port, sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "secret"})
	if why := awaitMoto(ctx, peer, ended); why != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b.table.remark("moto_server does not answer (%v), so that it is not measured.", why)
		return nil
	}
	b.table.hasMoto = true
	lookup := &call{service: "cloudtrail", path: "/", target: "CloudTrail_20131101.LookupEvents", contentType: "application/x-amz-json-1.1", body: []byte("{}")}
	for _, step := range []struct {
		name        string
		to          *load
		connections int
		call        *call
	}{
		{"LookupEvents", &b.table.moto.lookup, 1, lookup},
		{"LookupEvents", &b.table.moto.lookups, lookupConnections, lookup},
		{"GetCallerIdentity", &b.table.moto.identity, 1, callerIdentity},
		{"GetCallerIdentity", &b.table.moto.identities, identityConnections, callerIdentity},
	} {
		before := p.cpu()
		l, err := peer.drive(ctx, step.connections, b.period, func(int) *call { return step.call })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if step.connections == 1 {
				b.table.remark("moto_server does not answer %s: %v.", step.name, shortly(err))
			}
			continue
		}
		l.cpu = (p.cpu() - before) / time.Duration(l.calls)
		*step.to = l
	}
	return nil
}

// awaitMoto returns when the server answers, or why it does not.
func awaitMoto(ctx context.Context, p *peer, ended <-chan struct{}) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return errors.New("it ended")
		case <-limit:
			return errors.New("no answer in 30 s")
		case <-tick.C:
			if _, err := p.send(ctx, callerIdentity); err == nil {
				return nil
			}
		}
	}
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

func shortly(err error) string {
	var status *statusError
	if errors.As(err, &status) {
		return fmt.Sprintf("status %d", status.status)
	}
	return err.Error()
}
