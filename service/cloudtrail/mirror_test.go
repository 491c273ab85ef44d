package cloudtrail_test

import (
	"net/http"
	"testing"

	"cairn/aws/mirrortest"
	. "cairn/service/cloudtrail"
)

func TestMirror(t *testing.T) {
	t.Parallel()
	p := mirrortest.Probe{API: new(Service).API(), Client: func(transport http.RoundTripper) any {
		return newClient(transport, caller{region: "us-east-1", id: "AKIAEXAMPLE", secret: "secret"})
	}}
	mirrortest.Operation[LookupEventsInput, LookupEventsOutput](t, p)
	mirrortest.Operation[CreateTrailInput, CreateTrailOutput](t, p)
	mirrortest.Operation[UpdateTrailInput, UpdateTrailOutput](t, p)
	mirrortest.Operation[DeleteTrailInput, DeleteTrailOutput](t, p)
	mirrortest.Operation[StartLoggingInput, StartLoggingOutput](t, p)
	mirrortest.Operation[StopLoggingInput, StopLoggingOutput](t, p)
	mirrortest.Operation[GetTrailInput, GetTrailOutput](t, p)
	mirrortest.Operation[DescribeTrailsInput, DescribeTrailsOutput](t, p)
	mirrortest.Operation[ListTrailsInput, ListTrailsOutput](t, p)
	mirrortest.Operation[GetTrailStatusInput, GetTrailStatusOutput](t, p)
	mirrortest.Operation[PutEventSelectorsInput, PutEventSelectorsOutput](t, p)
	mirrortest.Operation[GetEventSelectorsInput, GetEventSelectorsOutput](t, p)
	mirrortest.Operation[PutInsightSelectorsInput, PutInsightSelectorsOutput](t, p)
	mirrortest.Operation[GetInsightSelectorsInput, GetInsightSelectorsOutput](t, p)
	mirrortest.Operation[PutEventConfigurationInput, PutEventConfigurationOutput](t, p)
	mirrortest.Operation[GetEventConfigurationInput, GetEventConfigurationOutput](t, p)
	mirrortest.Operation[AddTagsInput, AddTagsOutput](t, p)
	mirrortest.Operation[RemoveTagsInput, RemoveTagsOutput](t, p)
	mirrortest.Operation[ListTagsInput, ListTagsOutput](t, p)
	mirrortest.Operation[ListPublicKeysInput, ListPublicKeysOutput](t, p)
	mirrortest.Operation[PutResourcePolicyInput, PutResourcePolicyOutput](t, p)
	mirrortest.Operation[GetResourcePolicyInput, GetResourcePolicyOutput](t, p)
	mirrortest.Operation[DeleteResourcePolicyInput, DeleteResourcePolicyOutput](t, p)
}
