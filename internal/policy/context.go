package policy

import "strings"

// A Context holds what is known of a request beside its action and resource:
// condition keys with their values. The zero value is empty and ready to use. It
// is safe for concurrent use as long as nobody calls a Set method.
type Context struct {
	values map[string][]string // by key in lower case
}

// Set gives a key its values, in place of any that it had. Case does not matter
// in keys. A key without values is the same as a missing one. Values are texts:
// numbers in decimal, dates as in "2006-01-02T15:04:05Z" or in seconds since
// 1970, "true" or "false", addresses without a port, binary values as they are
// (not in base64).
func (c *Context) Set(key string, values ...string) {
	if c.values == nil {
		c.values = make(map[string][]string, 16)
	}
	c.values[strings.ToLower(key)] = values
}

// SetPrincipal sets the global keys that follow from the caller alone:
// aws:PrincipalType, aws:PrincipalArn, aws:PrincipalAccount, aws:userid,
// aws:username, aws:PrincipalIsAWSService and aws:PrincipalServiceName, each
// one only for the callers that have it.
func (c *Context) SetPrincipal(p *Principal) {
	switch p.Type {
	case Root:
		c.Set("aws:PrincipalType", "Account")
	case User:
		c.Set("aws:PrincipalType", "User")
		c.Set("aws:username", p.ARN[strings.LastIndexByte(p.ARN, '/')+1:])
	case AssumedRole:
		c.Set("aws:PrincipalType", "AssumedRole")
	case FederatedUser:
		c.Set("aws:PrincipalType", "FederatedUser")
	case Anonymous:
		c.Set("aws:PrincipalType", "Anonymous")
		return
	case AWSService:
		c.Set("aws:PrincipalIsAWSService", "true")
		c.Set("aws:PrincipalServiceName", p.Service)
		return
	default:
		return
	}
	c.Set("aws:PrincipalIsAWSService", "false")
	c.setNonEmpty("aws:PrincipalAccount", p.AccountID)
	c.setNonEmpty("aws:userid", p.ID)
	if p.Type == AssumedRole {
		c.setNonEmpty("aws:PrincipalArn", p.IssuerARN)
	} else {
		c.setNonEmpty("aws:PrincipalArn", p.ARN)
	}
}

func (c *Context) setNonEmpty(key, value string) {
	if value != "" {
		c.Set(key, value)
	}
}

// lookup returns the values of a key that is in lower case.
func (c *Context) lookup(key string) []string {
	if c == nil {
		return nil
	}
	return c.values[key]
}
