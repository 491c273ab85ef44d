package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cairn"
)

// A group is the files of one prefix, organization, account and region.
type group struct {
	prefix, organization, account, region string
	logKinds                              []cairn.LogKind // of the log files that there are
	digests                               bool            // whether there is a folder of digests
}

func (g *group) folder(kind cairn.LogKind) string {
	return cairn.RegionFolder(g.prefix, g.organization, g.account, kind, g.region)
}

// The limits of the search for AWSLogs folders.
const (
	maxDepth   = 12
	maxFolders = 20_000
)

// findGroups finds what there is to verify, in the order of keys.
func (v *verifier) findGroups(ctx context.Context) ([]*group, error) {
	var roots []string // with AWSLogs/
	if v.Prefixes == nil {
		left := maxFolders
		if err := v.findRoots(ctx, "", 0, &left, &roots); err != nil {
			return nil, err
		}
	}
	for _, p := range v.Prefixes {
		if p != "" {
			p += "/"
		}
		roots = append(roots, p+"AWSLogs/")
	}
	slices.Sort(roots)
	var groups []*group
	for _, root := range slices.Compact(roots) {
		folders, err := v.Source.Folders(ctx, root)
		if err != nil {
			return nil, fmt.Errorf("list the folders of %s: %w", root, err)
		}
		prefix := strings.TrimSuffix(strings.TrimSuffix(root, "AWSLogs/"), "/")
		for _, f := range folders {
			name := lastFolder(f)
			if !strings.HasPrefix(name, "o-") {
				if groups, err = v.findInAccount(ctx, groups, prefix, "", name); err != nil {
					return nil, err
				}
				continue
			}
			accounts, err := v.Source.Folders(ctx, f)
			if err != nil {
				return nil, fmt.Errorf("list the folders of %s: %w", f, err)
			}
			for _, a := range accounts {
				if groups, err = v.findInAccount(ctx, groups, prefix, name, lastFolder(a)); err != nil {
					return nil, err
				}
			}
		}
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return strings.Compare(a.folder(""), b.folder("")) })
	return groups, nil
}

// findRoots finds the folders called AWSLogs below a folder.
func (v *verifier) findRoots(ctx context.Context, folder string, depth int, left *int, roots *[]string) error {
	folders, err := v.Source.Folders(ctx, folder)
	if err != nil {
		return fmt.Errorf("list the folders of %s: %w", v.Source.Name()+"/"+folder, err)
	}
	for _, f := range folders {
		if *left--; *left < 0 || depth > maxDepth {
			return errors.New("there are too many folders to search them for AWSLogs; name the trail's prefix with --s3-prefix")
		}
		if lastFolder(f) == "AWSLogs" {
			*roots = append(*roots, f)
			continue
		}
		if err := v.findRoots(ctx, f, depth+1, left, roots); err != nil {
			return err
		}
	}
	return nil
}

// findInAccount finds the groups of an account.
func (v *verifier) findInAccount(ctx context.Context, groups []*group, prefix, organization, account string) ([]*group, error) {
	if v.AccountID != "" && account != v.AccountID || !isAccountID(account) {
		return groups, nil
	}
	byRegion := make(map[string]*group)
	for _, kind := range append([]cairn.LogKind{cairn.LogKindDigest}, logKinds...) {
		folder := cairn.KindFolder(prefix, organization, account, kind)
		regions, err := v.Source.Folders(ctx, folder)
		if err != nil {
			return nil, fmt.Errorf("list the folders of %s: %w", folder, err)
		}
		for _, r := range regions {
			region := lastFolder(r)
			if v.Region != "" && region != v.Region || region == "" {
				continue
			}
			g := byRegion[region]
			if g == nil {
				g = &group{prefix: prefix, organization: organization, account: account, region: region}
				byRegion[region] = g
				groups = append(groups, g)
			}
			if kind == cairn.LogKindDigest {
				g.digests = true
			} else {
				g.logKinds = append(g.logKinds, kind)
			}
		}
	}
	return groups, nil
}

var logKinds = []cairn.LogKind{cairn.LogKindCloudTrail, cairn.LogKindInsight, cairn.LogKindNetworkActivity, cairn.LogKindAggregated}

func lastFolder(f string) string {
	f = strings.TrimSuffix(f, "/")
	return f[strings.LastIndexByte(f, '/')+1:]
}

func isAccountID(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }
