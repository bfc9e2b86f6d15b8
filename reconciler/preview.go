package reconciler

import (
	"reflect"
	"time"
)

// Known is one installation of an inventory.
type Known struct {
	Subject  Subject
	Observed Observed
}

// Effect is what a change of the manifests does to one installation.
type Effect struct {
	Subject  Subject  `json:"subject"`
	Observed Observed `json:"observed"`
	Before   Desired  `json:"before"`
	After    Desired  `json:"after"`
	Decision Decision `json:"decision"` // the plan under After
	Changed  bool     `json:"changed"`  // After differs from Before in anything but its origin
}

// Preview says what would happen to each known installation if the manifests of after took the place of those of
// before, in the order of known. It makes the same decisions as the agents will, as far as their last reports are true.
func Preview(before, after *Resolver, known []Known, now time.Time) []Effect {
	effects := make([]Effect, len(known))
	for i, k := range known {
		e := Effect{Subject: k.Subject, Observed: k.Observed, Before: before.Resolve(k.Subject), After: after.Resolve(k.Subject)}
		e.Decision = Plan(e.After, k.Observed, now)
		e.Changed = differs(e.Before, e.After)
		effects[i] = e
	}
	return effects
}

func differs(a, b Desired) bool {
	a.Origins, b.Origins = nil, nil
	return !reflect.DeepEqual(a, b)
}
