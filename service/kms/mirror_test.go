package kms_test

import (
	"net/http"
	"testing"

	"cairn/aws/mirrortest"
	. "cairn/service/kms"
)

func TestMirror(t *testing.T) {
	t.Parallel()
	p := mirrortest.Probe{API: new(Service).API(), Client: func(transport http.RoundTripper) any {
		return newClient(transport, caller{region: "us-east-1", id: "AKIAEXAMPLE", secret: "secret"})
	}}
	mirrortest.Operation[CreateKeyInput, CreateKeyOutput](t, p)
	mirrortest.Operation[DescribeKeyInput, DescribeKeyOutput](t, p)
	mirrortest.Operation[ListKeysInput, ListKeysOutput](t, p)
	mirrortest.Operation[EnableKeyInput, EnableKeyOutput](t, p)
	mirrortest.Operation[DisableKeyInput, DisableKeyOutput](t, p)
	mirrortest.Operation[ScheduleKeyDeletionInput, ScheduleKeyDeletionOutput](t, p)
	mirrortest.Operation[CancelKeyDeletionInput, CancelKeyDeletionOutput](t, p)
	mirrortest.Operation[UpdateKeyDescriptionInput, UpdateKeyDescriptionOutput](t, p)

	mirrortest.Operation[CreateAliasInput, CreateAliasOutput](t, p)
	mirrortest.Operation[UpdateAliasInput, UpdateAliasOutput](t, p)
	mirrortest.Operation[DeleteAliasInput, DeleteAliasOutput](t, p)
	mirrortest.Operation[ListAliasesInput, ListAliasesOutput](t, p)

	mirrortest.Operation[GetKeyPolicyInput, GetKeyPolicyOutput](t, p)
	mirrortest.Operation[PutKeyPolicyInput, PutKeyPolicyOutput](t, p)
	mirrortest.Operation[ListKeyPoliciesInput, ListKeyPoliciesOutput](t, p)

	mirrortest.Operation[TagResourceInput, TagResourceOutput](t, p)
	mirrortest.Operation[UntagResourceInput, UntagResourceOutput](t, p)
	mirrortest.Operation[ListResourceTagsInput, ListResourceTagsOutput](t, p)

	mirrortest.Operation[EnableKeyRotationInput, EnableKeyRotationOutput](t, p)
	mirrortest.Operation[DisableKeyRotationInput, DisableKeyRotationOutput](t, p)
	mirrortest.Operation[GetKeyRotationStatusInput, GetKeyRotationStatusOutput](t, p)
	mirrortest.Operation[RotateKeyOnDemandInput, RotateKeyOnDemandOutput](t, p)
	mirrortest.Operation[ListKeyRotationsInput, ListKeyRotationsOutput](t, p)

	mirrortest.Operation[EncryptInput, EncryptOutput](t, p)
	mirrortest.Operation[DecryptInput, DecryptOutput](t, p)
	mirrortest.Operation[ReEncryptInput, ReEncryptOutput](t, p)
	mirrortest.Operation[GenerateDataKeyInput, GenerateDataKeyOutput](t, p)
	mirrortest.Operation[GenerateDataKeyWithoutPlaintextInput, GenerateDataKeyWithoutPlaintextOutput](t, p)
	mirrortest.Operation[GenerateDataKeyPairInput, GenerateDataKeyPairOutput](t, p)
	mirrortest.Operation[GenerateDataKeyPairWithoutPlaintextInput, GenerateDataKeyPairWithoutPlaintextOutput](t, p)
	mirrortest.Operation[GenerateRandomInput, GenerateRandomOutput](t, p)

	mirrortest.Operation[SignInput, SignOutput](t, p)
	mirrortest.Operation[VerifyInput, VerifyOutput](t, p)
	mirrortest.Operation[GetPublicKeyInput, GetPublicKeyOutput](t, p)
	mirrortest.Operation[GenerateMacInput, GenerateMacOutput](t, p)
	mirrortest.Operation[VerifyMacInput, VerifyMacOutput](t, p)
}
