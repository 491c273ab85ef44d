package gateway

import (
	"cmp"
	"strings"
)

// kubernetesKinds are the kinds of Kubernetes' own resources whose name does not follow
// from that of the resource by its first letter and its plural.
var kubernetesKinds = map[string]string{
	"apiservices":                       "APIService",
	"certificatesigningrequests":        "CertificateSigningRequest",
	"clusterrolebindings":               "ClusterRoleBinding",
	"clusterroles":                      "ClusterRole",
	"clustertrustbundles":               "ClusterTrustBundle",
	"componentstatuses":                 "ComponentStatus",
	"configmaps":                        "ConfigMap",
	"controllerrevisions":               "ControllerRevision",
	"cronjobs":                          "CronJob",
	"csidrivers":                        "CSIDriver",
	"csinodes":                          "CSINode",
	"csistoragecapacities":              "CSIStorageCapacity",
	"customresourcedefinitions":         "CustomResourceDefinition",
	"daemonsets":                        "DaemonSet",
	"deviceclasses":                     "DeviceClass",
	"endpoints":                         "Endpoints",
	"endpointslices":                    "EndpointSlice",
	"flowschemas":                       "FlowSchema",
	"horizontalpodautoscalers":          "HorizontalPodAutoscaler",
	"ingressclasses":                    "IngressClass",
	"ipaddresses":                       "IPAddress",
	"limitranges":                       "LimitRange",
	"localsubjectaccessreviews":         "LocalSubjectAccessReview",
	"mutatingwebhookconfigurations":     "MutatingWebhookConfiguration",
	"networkpolicies":                   "NetworkPolicy",
	"persistentvolumeclaims":            "PersistentVolumeClaim",
	"persistentvolumes":                 "PersistentVolume",
	"poddisruptionbudgets":              "PodDisruptionBudget",
	"podtemplates":                      "PodTemplate",
	"priorityclasses":                   "PriorityClass",
	"prioritylevelconfigurations":       "PriorityLevelConfiguration",
	"replicasets":                       "ReplicaSet",
	"replicationcontrollers":            "ReplicationController",
	"resourceclaims":                    "ResourceClaim",
	"resourceclaimtemplates":            "ResourceClaimTemplate",
	"resourcequotas":                    "ResourceQuota",
	"resourceslices":                    "ResourceSlice",
	"rolebindings":                      "RoleBinding",
	"runtimeclasses":                    "RuntimeClass",
	"selfsubjectaccessreviews":          "SelfSubjectAccessReview",
	"selfsubjectreviews":                "SelfSubjectReview",
	"selfsubjectrulesreviews":           "SelfSubjectRulesReview",
	"serviceaccounts":                   "ServiceAccount",
	"servicecidrs":                      "ServiceCIDR",
	"statefulsets":                      "StatefulSet",
	"storageclasses":                    "StorageClass",
	"subjectaccessreviews":              "SubjectAccessReview",
	"tokenreviews":                      "TokenReview",
	"validatingadmissionpolicies":       "ValidatingAdmissionPolicy",
	"validatingadmissionpolicybindings": "ValidatingAdmissionPolicyBinding",
	"validatingwebhookconfigurations":   "ValidatingWebhookConfiguration",
	"volumeattachments":                 "VolumeAttachment",
}

// kubernetesKind returns the kind of a resource: that of Kubernetes' own by the table,
// of others the singular with a capital.
func kubernetesKind(resource string) string {
	if kind := kubernetesKinds[resource]; kind != "" {
		return kind
	}
	return capital(singular(resource))
}

// name is the eventName: the verb and the kind, such as CreatePod; of the verbs for
// several objects the plural, such as ListPods; with the subresource behind it, such as
// CreatePodExec.
func (e *kubernetesEvent) name() string {
	verb := capital(word(e.Verb))
	if verb == "Deletecollection" {
		verb = "DeleteCollection"
	}
	r := e.ObjectRef
	if r == nil || r.Resource == "" {
		return cmp.Or(verb, "Unknown") + "NonResourceURL"
	}
	kind := kubernetesKind(word(r.Resource))
	switch e.Verb {
	case "list", "watch", "deletecollection":
		kind = plural(kind)
	}
	return word(verb + kind + camel(r.Subresource))
}

func singular(s string) string {
	for _, end := range [...][2]string{{"ies", "y"}, {"sses", "ss"}, {"shes", "sh"}, {"ches", "ch"}, {"xes", "x"}, {"uses", "us"}} {
		if rest, ok := strings.CutSuffix(s, end[0]); ok && rest != "" {
			return rest + end[1]
		}
	}
	if strings.HasSuffix(s, "s") && !strings.HasSuffix(s, "ss") && len(s) > 1 {
		return s[:len(s)-1]
	}
	return s
}

func plural(s string) string {
	switch {
	case s == "" || s == "Endpoints":
		return s
	case strings.HasSuffix(s, "y") && len(s) > 1 && !strings.ContainsRune("aeiou", rune(s[len(s)-2])):
		return s[:len(s)-1] + "ies"
	case strings.HasSuffix(s, "s"), strings.HasSuffix(s, "x"), strings.HasSuffix(s, "ch"), strings.HasSuffix(s, "sh"):
		return s + "es"
	}
	return s + "s"
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// camel joins the parts of a name: ephemeralcontainers stays one word, service/path and
// a-b become ServicePath and AB.
func camel(s string) string {
	b := ""
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == '/' || r == '.' }) {
		b += capital(word(part))
	}
	return b
}
