package sns

// Lets reports whether a filter policy lets a message through, whose attributes are
// types and values by name.
func Lets(policy, scope, body string, attributes map[string][2]string) (bool, error) {
	if _, err := parseFilter(policy, scope); err != nil {
		return false, err
	}
	m := &message{Text: body, Attributes: make(map[string]attribute)}
	for name, a := range attributes {
		m.Attributes[name] = attribute{a[0], a[1]}
	}
	sub := &subscription{FilterPolicy: policy, FilterPolicyScope: scope}
	return sub.lets(m), nil
}
