package gateway

import (
	"strings"

	"cairn/internal/awsmodel"
)

// kubernetesSecrets takes secrets out of Kubernetes' objects and remembers them, for the
// messages that quote them.
type kubernetesSecrets struct{ removed []string }

// maxRemoved bounds the texts that are looked for in a message.
const maxRemoved = 1000

const maxMessage = 64 << 10 // bytes

// lastApplied is the annotation with which kubectl keeps a whole object as a text.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// clean returns an object without secrets: the values of Secrets and ConfigMaps (their
// keys stay), tokens, the values of environment variables and of patches whose name is a
// secret's, and what kubectl keeps of an object in its annotations. kind is that of the
// object if it does not say it itself. The tree is not changed.
func (k *kubernetesSecrets) clean(v any, kind string) any {
	switch v := v.(type) {
	case map[string]any:
		// What the API server says of an object goes before what a client says in it.
		if named, ok := v["kind"].(string); ok && kind == "" {
			kind = strings.TrimSuffix(named, "List")
		}
		return k.object(v, kind)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = k.clean(e, kind)
		}
		return list
	case string:
		if kind == "Secret" || kind == "ConfigMap" {
			// A patch or an object that was not decoded; what it holds cannot be told.
			return k.hide(v)
		}
	}
	return v
}

func (k *kubernetesSecrets) object(tree map[string]any, kind string) map[string]any {
	object := make(map[string]any, len(tree))
	holder := kind == "Secret" || kind == "ConfigMap"
	about, _ := tree["name"].(string) // of an environment variable
	if path, ok := tree["path"].(string); ok {
		about = path[strings.LastIndexByte(path, '/')+1:] // of a JSON patch
	}
	for name, v := range tree {
		text, isText := v.(string)
		switch {
		case v == nil:
			object[name] = nil
		case holder && (name == "data" || name == "stringData" || name == "binaryData"):
			object[name] = k.hideAll(v)
		case holder && name == "value", name == lastApplied:
			object[name] = k.hide(v)
		case isText && text != "" && auditSecret(name):
			object[name] = k.hide(v)
		case name == "value" && auditSecret(about):
			object[name] = k.hide(v)
		case holder && (name == "items" || name == "metadata"):
			object[name] = k.clean(v, kind)
		case isText:
			object[name] = v
		default:
			object[name] = k.clean(v, inner(kind, name))
		}
	}
	return object
}

// inner is the kind that a member's objects have if they do not say it themselves. What
// stands below the members of a Secret has none, such as its owner references.
func inner(kind, name string) string {
	if name == "object" { // of a watch's event
		return kind
	}
	return ""
}

// hideAll hides the values of an object and keeps its names.
func (k *kubernetesSecrets) hideAll(v any) any {
	tree, ok := v.(map[string]any)
	if !ok {
		return k.hide(v)
	}
	hidden := make(map[string]any, len(tree))
	for name, e := range tree {
		hidden[name] = k.hide(e)
	}
	return hidden
}

func (k *kubernetesSecrets) hide(v any) any {
	k.remember(v, 0)
	return awsmodel.Hidden
}

func (k *kubernetesSecrets) remember(v any, depth int) {
	if depth > maxDepth || len(k.removed) >= maxRemoved {
		return
	}
	switch v := v.(type) {
	case string:
		if len(v) >= 4 {
			k.removed = append(k.removed, v)
		}
	case []any:
		for _, e := range v {
			k.remember(e, depth+1)
		}
	case map[string]any:
		for _, e := range v {
			k.remember(e, depth+1)
		}
	}
}

// cleanText returns a message without the secrets that were taken out.
func (k *kubernetesSecrets) cleanText(message string) string {
	message = message[:min(len(message), maxMessage)] // a record shows less
	for _, secret := range k.removed {
		message = strings.ReplaceAll(message, secret, awsmodel.Hidden)
	}
	return message
}
