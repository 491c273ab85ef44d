package cloudtrail_test

import (
	"context"
	"sync"
	"time"

	"cairn"
	"cairn/delivery"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

// fakeDeliveries notes what was tried, and answers as it is told.
type fakeDeliveries struct {
	mu     sync.Mutex
	probed []cairn.Trail
	before []*cairn.Trail
	fail   func(t *cairn.Trail) error
	status map[string]delivery.Status // by trail ID
}

func (d *fakeDeliveries) Probe(_ context.Context, t, before *cairn.Trail) error {
	d.mu.Lock()
	d.probed, d.before = append(d.probed, *t), append(d.before, before)
	fail := d.fail
	d.mu.Unlock()
	if fail != nil {
		return fail(t)
	}
	return nil
}

func (d *fakeDeliveries) Status(id string) (delivery.Status, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status[id], nil
}

// fakeKeys are digest keys, which it gives out by AWS's rule: those that are
// valid at some time of the range.
type fakeKeys struct{ keys []delivery.PublicKey }

func (k *fakeKeys) Public(region string, start, end time.Time) ([]delivery.PublicKey, error) {
	var found []delivery.PublicKey
	for _, key := range k.keys {
		if key.Region == region && !key.From.After(end) && !key.Until.Before(start) {
			found = append(found, key)
		}
	}
	return found, nil
}

// fakeKMS has for each name of a key its description, or an error.
type fakeKMS map[string]any

func (k fakeKMS) DescribeKey(_ context.Context, in *kms.DescribeKeyInput, _ ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	switch v := k[*in.KeyId].(type) {
	case error:
		return nil, v
	case *kmstypes.KeyMetadata:
		return &kms.DescribeKeyOutput{KeyMetadata: v}, nil
	}
	return nil, &smithy.GenericAPIError{Code: "NotFoundException", Message: "no such key"}
}

const keyARN = "arn:aws:kms:us-east-1:" + operator + ":key/11111111-2222-4333-8444-555555555555"

func aKey(change func(*kmstypes.KeyMetadata)) *kmstypes.KeyMetadata {
	m := &kmstypes.KeyMetadata{
		Arn: awssdk.String(keyARN), KeyState: kmstypes.KeyStateEnabled, KeyUsage: kmstypes.KeyUsageTypeEncryptDecrypt, KeySpec: kmstypes.KeySpecSymmetricDefault,
	}
	if change != nil {
		change(m)
	}
	return m
}
