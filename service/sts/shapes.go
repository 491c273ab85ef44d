package sts

import "time"

// The structs here and in the files *_shapes.go have the members of AWS's API in
// its spelling. The mirror test holds them against the SDK's.

type AssumedRoleUser struct {
	AssumedRoleId string
	Arn           string
}

type Credentials struct {
	AccessKeyId     string
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

type FederatedUser struct {
	FederatedUserId string
	Arn             string
}

type PolicyDescriptorType struct {
	Arn string `aws:"arn,min=20,max=2048,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{007E}\\x{0085}\\x{00A0}-\\x{10FFFF}]+$"`
}

type ProvidedContext struct {
	ProviderArn      string `aws:",min=20,max=2048,pattern=^[\\x{0009}\\x{000A}\\x{000D}\\x{0020}-\\x{007E}\\x{0085}\\x{00A0}-\\x{10FFFF}]+$"`
	ContextAssertion string `aws:",min=4,max=2048"`
}

type Tag struct {
	Key   string  `aws:",required,min=1,max=128,pattern=^[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+$"`
	Value *string `aws:",required,max=256,pattern=^[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*$"`
}
