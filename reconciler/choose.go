package reconciler

import (
	"slices"

	"lull/schema"
)

// choose finds the release that a rule wants on a system, or says why there is none.
func (c *client) choose(rule schema.VersionRule, system string) (schema.Version, *Reason) {
	if c.Spec.Platforms.On(system) == nil {
		return none(Why(PlatformMissing, "system", system))
	}
	if c.ceiling.IsZero() && (c.bounded() || rule.Server()) {
		return none(Why(ServerVersionUnknown, "server", c.Spec.Server))
	}
	if v, exact := rule.Exact(); exact {
		return c.named(v, system)
	}
	if rule.Server() {
		return c.named(c.ceiling, system)
	}
	return c.newest(rule, system)
}

// named is the release of exactly one version. Naming it is an approval in itself.
func (c *client) named(v schema.Version, system string) (schema.Version, *Reason) {
	if !c.compatible(v) {
		return none(Why(NotCompatible, "version", v.String(), "server", c.ceiling.String(), "rule", string(c.Spec.Compatibility)))
	}
	if decision := c.decisions[v.Canonical()]; decision != nil && decision.Spec.Withdrawn != nil {
		w := decision.Spec.Withdrawn
		return none(Why(ReleaseWithdrawn, "version", v.String(), "by", w.By, "reason", w.Reason))
	}
	i := slices.IndexFunc(c.releases[system], v.Equal)
	if i < 0 {
		return none(Why(ReleaseMissing, "version", v.String(), "system", system))
	}
	return c.releases[system][i], nil // the store's spelling of the version
}

// newest is the newest approved release that satisfies the rule and the bound of the program's server.
func (c *client) newest(rule schema.VersionRule, system string) (schema.Version, *Reason) {
	for _, v := range c.releases[system] {
		if c.approved(v) && rule.Allows(v) && c.compatible(v) {
			return v, nil
		}
	}
	reason := Why(ReleaseMissing, "rule", rule.String(), "system", system)
	if c.bounded() {
		reason.Args["server"] = c.ceiling.String()
	}
	return none(reason)
}

func (c *client) approved(v schema.Version) bool {
	decision := c.decisions[v.Canonical()]
	return decision != nil && decision.Spec.Approved != nil && decision.Spec.Withdrawn == nil
}

func (c *client) bounded() bool { return c.Spec.Compatibility != schema.Unchecked }

func (c *client) compatible(v schema.Version) bool {
	switch c.Spec.Compatibility {
	case schema.Unchecked:
		return true
	case schema.SameVersion:
		return v.Equal(c.ceiling)
	case schema.SameTwoParts:
		return v.Compare(c.ceiling) <= 0 && v.SameTwoParts(c.ceiling)
	}
	return v.Compare(c.ceiling) <= 0
}

func none(r Reason) (schema.Version, *Reason) { return schema.Version{}, &r }
