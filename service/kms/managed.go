package kms

import (
	"errors"
	"strings"

	"cairn"
	"cairn/aws"
	"cairn/catalog"
)

// managedAlias is the one alias whose key is made when S3 first needs it: to
// encrypt objects whose owner names no key.
const managedAlias = "alias/aws/s3"

// managedKey makes the key behind managedAlias when S3 asks for it, and returns
// nil for all other names.
func (s *Service) managedKey(c *aws.Call, n name) (*key, error) {
	if n.alias != managedAlias || c.Via != "s3.amazonaws.com" || n.account != callerAccount(c) || n.account == "" {
		return nil, nil
	}
	k := &key{
		account: n.account, region: c.Region, id: aws.NewUUID(), Spec: symmetricDefault, Usage: usageEncrypt, Manager: "AWS", State: enabled,
		Description: "Default key that protects my S3 objects when no other key is defined", Created: s.Now().UTC(),
		Policy: managedPolicy(n.account, c.Region), RotationPeriod: defaultRotation,
	}
	k.NextRotation = k.Created.Add(defaultRotation * day)
	if err := s.addMaterial(k, ""); err != nil {
		return nil, err
	}
	if err := s.store(k); err != nil {
		return nil, err
	}
	// A crash here leaves a key that nothing names; the next call makes another.
	err := s.setAlias(k, nil, n.alias, 0, alias{Target: k.id, Created: k.Created, Updated: k.Created})
	if !errors.Is(err, catalog.ErrConflict) {
		return k, err
	}
	// Another call was faster.
	if err := s.remove(k); err != nil {
		return nil, err
	}
	a, err := s.alias(n.account, c.Region, n.alias)
	if err != nil || a == nil {
		return nil, err
	}
	return s.load(n.account, c.Region, a.Target)
}

// managedPolicy lets everyone in the account use the key by way of S3, and look
// at it. AWS's own has no word for CloudTrail, which there never stores a log file
// under a bucket's default: here it does.
func managedPolicy(account, region string) string {
	r := strings.NewReplacer("ACCOUNT", account, "REGION", region, "PARTITION", cairn.PartitionOf(region))
	return r.Replace(`{"Version":"2012-10-17","Id":"auto-s3-2","Statement":[` +
		`{"Sid":"Allow access through S3 for all principals in the account that are authorized to use S3","Effect":"Allow","Principal":{"AWS":"*"},` +
		`"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:DescribeKey"],"Resource":"*",` +
		`"Condition":{"StringEquals":{"kms:CallerAccount":"ACCOUNT","kms:ViaService":"s3.REGION.amazonaws.com"}}},` +
		`{"Sid":"Allow CloudTrail to store the log files of the account through S3","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},` +
		`"Action":"kms:GenerateDataKey","Resource":"*",` +
		`"Condition":{"StringEquals":{"aws:SourceAccount":"ACCOUNT","kms:ViaService":"s3.REGION.amazonaws.com"}}},` +
		`{"Sid":"Allow direct access to key metadata to the account","Effect":"Allow","Principal":{"AWS":"arn:PARTITION:iam::ACCOUNT:root"},` +
		`"Action":["kms:Describe*","kms:Get*","kms:List*"],"Resource":"*"}]}`)
}
