package kms

import "time"

// The structs here and in the files *_shapes.go have the members of AWS's API in
// its spelling. The mirror test holds them against the SDK's. Texts that may be
// secret have no constraints in their tags: their lengths are checked by the
// operations, in words that do not repeat them.

type AliasListEntry struct {
	AliasArn        string
	AliasName       string
	CreationDate    time.Time
	LastUpdatedDate time.Time
	TargetKeyId     string
}

type KeyListEntry struct {
	KeyArn string
	KeyId  string
}

type KeyMetadata struct {
	KeyId                       string
	AWSAccountId                string
	Arn                         string
	CloudHsmClusterId           string
	CreationDate                time.Time
	CurrentKeyMaterialId        string
	CustomKeyStoreId            string
	CustomerMasterKeySpec       string
	DeletionDate                time.Time
	Description                 *string
	Enabled                     bool
	EncapsulationAlgorithms     []string
	EncryptionAlgorithms        []string
	ExpirationModel             string
	KeyAgreementAlgorithms      []string
	KeyManager                  string
	KeySpec                     string
	KeyState                    string
	KeyUsage                    string
	MacAlgorithms               []string
	MultiRegion                 *bool
	MultiRegionConfiguration    *MultiRegionConfiguration
	Origin                      string
	PendingDeletionWindowInDays *int32
	SigningAlgorithms           []string
	ValidTo                     time.Time
	XksKeyConfiguration         *XksKeyConfigurationType
}

type MultiRegionConfiguration struct {
	MultiRegionKeyType string
	PrimaryKey         *MultiRegionKey
	ReplicaKeys        []MultiRegionKey
}

type MultiRegionKey struct {
	Arn    string
	Region string
}

type XksKeyConfigurationType struct {
	Id string
}

type RecipientInfo struct {
	AttestationDocument    []byte
	KeyEncryptionAlgorithm string `aws:",enum=RSAES_OAEP_SHA_256"`
}

type RotationsListEntry struct {
	ExpirationModel        string
	ImportState            string
	KeyId                  string
	KeyMaterialDescription string
	KeyMaterialId          string
	KeyMaterialState       string
	RotationDate           time.Time
	RotationType           string
	ValidTo                time.Time
}

type Tag struct {
	TagKey   string  `aws:",required,min=1,max=128"`
	TagValue *string `aws:",required,max=256"`
}
