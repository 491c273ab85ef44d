package kms

type EncryptInput struct {
	KeyId               string `aws:",required,min=1,max=2048"`
	Plaintext           []byte `aws:",required"`
	DryRun              *bool
	EncryptionAlgorithm string `aws:",enum=SYMMETRIC_DEFAULT|RSAES_OAEP_SHA_1|RSAES_OAEP_SHA_256|SM2PKE"`
	EncryptionContext   map[string]string
	GrantTokens         []string `aws:",max=10"`
}

type EncryptOutput struct {
	CiphertextBlob      []byte
	EncryptionAlgorithm string
	KeyId               string
}

type DecryptInput struct {
	CiphertextBlob      []byte
	DryRun              *bool
	DryRunModifiers     []string
	EncryptionAlgorithm string `aws:",enum=SYMMETRIC_DEFAULT|RSAES_OAEP_SHA_1|RSAES_OAEP_SHA_256|SM2PKE"`
	EncryptionContext   map[string]string
	GrantTokens         []string `aws:",max=10"`
	KeyId               string   `aws:",min=1,max=2048"`
	Recipient           *RecipientInfo
}

type DecryptOutput struct {
	CiphertextForRecipient []byte
	EncryptionAlgorithm    string
	KeyId                  string
	KeyMaterialId          string
	Plaintext              []byte
}

type ReEncryptInput struct {
	DestinationKeyId               string `aws:",required,min=1,max=2048"`
	CiphertextBlob                 []byte
	DestinationEncryptionAlgorithm string `aws:",enum=SYMMETRIC_DEFAULT|RSAES_OAEP_SHA_1|RSAES_OAEP_SHA_256|SM2PKE"`
	DestinationEncryptionContext   map[string]string
	DryRun                         *bool
	DryRunModifiers                []string
	GrantTokens                    []string `aws:",max=10"`
	SourceEncryptionAlgorithm      string   `aws:",enum=SYMMETRIC_DEFAULT|RSAES_OAEP_SHA_1|RSAES_OAEP_SHA_256|SM2PKE"`
	SourceEncryptionContext        map[string]string
	SourceKeyId                    string `aws:",min=1,max=2048"`
}

type ReEncryptOutput struct {
	CiphertextBlob                 []byte
	DestinationEncryptionAlgorithm string
	DestinationKeyMaterialId       string
	KeyId                          string
	SourceEncryptionAlgorithm      string
	SourceKeyId                    string
	SourceKeyMaterialId            string
}

type GenerateDataKeyInput struct {
	KeyId             string `aws:",required,min=1,max=2048"`
	DryRun            *bool
	EncryptionContext map[string]string
	GrantTokens       []string `aws:",max=10"`
	KeySpec           string   `aws:",enum=AES_256|AES_128"`
	NumberOfBytes     *int32   `aws:",min=1,max=1024"`
	Recipient         *RecipientInfo
}

type GenerateDataKeyOutput struct {
	CiphertextBlob         []byte
	CiphertextForRecipient []byte
	KeyId                  string
	KeyMaterialId          string
	Plaintext              []byte
}

type GenerateDataKeyWithoutPlaintextInput struct {
	KeyId             string `aws:",required,min=1,max=2048"`
	DryRun            *bool
	EncryptionContext map[string]string
	GrantTokens       []string `aws:",max=10"`
	KeySpec           string   `aws:",enum=AES_256|AES_128"`
	NumberOfBytes     *int32   `aws:",min=1,max=1024"`
}

type GenerateDataKeyWithoutPlaintextOutput struct {
	CiphertextBlob []byte
	KeyId          string
	KeyMaterialId  string
}

type GenerateDataKeyPairInput struct {
	KeyId             string `aws:",required,min=1,max=2048"`
	KeyPairSpec       string `aws:",required"`
	DryRun            *bool
	EncryptionContext map[string]string
	GrantTokens       []string `aws:",max=10"`
	Recipient         *RecipientInfo
}

type GenerateDataKeyPairOutput struct {
	CiphertextForRecipient   []byte
	KeyId                    string
	KeyMaterialId            string
	KeyPairSpec              string
	PrivateKeyCiphertextBlob []byte
	PrivateKeyPlaintext      []byte
	PublicKey                []byte
}

type GenerateDataKeyPairWithoutPlaintextInput struct {
	KeyId             string `aws:",required,min=1,max=2048"`
	KeyPairSpec       string `aws:",required"`
	DryRun            *bool
	EncryptionContext map[string]string
	GrantTokens       []string `aws:",max=10"`
}

type GenerateDataKeyPairWithoutPlaintextOutput struct {
	KeyId                    string
	KeyMaterialId            string
	KeyPairSpec              string
	PrivateKeyCiphertextBlob []byte
	PublicKey                []byte
}

type GenerateRandomInput struct {
	CustomKeyStoreId string `aws:",min=1,max=64"`
	NumberOfBytes    *int32 `aws:",min=1,max=1024"`
	Recipient        *RecipientInfo
}

type GenerateRandomOutput struct {
	CiphertextForRecipient []byte
	Plaintext              []byte
}

type SignInput struct {
	KeyId            string `aws:",required,min=1,max=2048"`
	Message          []byte `aws:",required"`
	SigningAlgorithm string `aws:",required"`
	DryRun           *bool
	GrantTokens      []string `aws:",max=10"`
	MessageType      string   `aws:",enum=RAW|DIGEST|EXTERNAL_MU"`
}

type SignOutput struct {
	KeyId            string
	Signature        []byte
	SigningAlgorithm string
}

type VerifyInput struct {
	KeyId            string `aws:",required,min=1,max=2048"`
	Message          []byte `aws:",required"`
	Signature        []byte `aws:",required"`
	SigningAlgorithm string `aws:",required"`
	DryRun           *bool
	GrantTokens      []string `aws:",max=10"`
	MessageType      string   `aws:",enum=RAW|DIGEST|EXTERNAL_MU"`
}

type VerifyOutput struct {
	KeyId            string
	SignatureValid   bool
	SigningAlgorithm string
}

type GetPublicKeyInput struct {
	KeyId       string   `aws:",required,min=1,max=2048"`
	GrantTokens []string `aws:",max=10"`
}

type GetPublicKeyOutput struct {
	CustomerMasterKeySpec   string
	EncapsulationAlgorithms []string
	EncryptionAlgorithms    []string
	KeyAgreementAlgorithms  []string
	KeyId                   string
	KeySpec                 string
	KeyUsage                string
	PublicKey               []byte
	SigningAlgorithms       []string
}

type GenerateMacInput struct {
	KeyId        string `aws:",required,min=1,max=2048"`
	MacAlgorithm string `aws:",required,enum=HMAC_SHA_224|HMAC_SHA_256|HMAC_SHA_384|HMAC_SHA_512"`
	Message      []byte `aws:",required"`
	DryRun       *bool
	GrantTokens  []string `aws:",max=10"`
}

type GenerateMacOutput struct {
	KeyId        string
	Mac          []byte
	MacAlgorithm string
}

type VerifyMacInput struct {
	KeyId        string `aws:",required,min=1,max=2048"`
	Mac          []byte `aws:",required"`
	MacAlgorithm string `aws:",required,enum=HMAC_SHA_224|HMAC_SHA_256|HMAC_SHA_384|HMAC_SHA_512"`
	Message      []byte `aws:",required"`
	DryRun       *bool
	GrantTokens  []string `aws:",max=10"`
}

type VerifyMacOutput struct {
	KeyId        string
	MacAlgorithm string
	MacValid     bool
}
