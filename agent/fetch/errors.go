package fetch

import (
	"errors"
	"fmt"
	"time"
)

// ErrNotFound means that the source does not hold what was asked for.
var ErrNotFound = errors.New("the source does not hold it")

var (
	errStalled = errors.New("the download stood still")
	errPage    = errors.New("got a web page instead; does a proxy or a sign-in page answer?")
)

// Corrupt means that the source gave something else than what was pinned. Nothing of it is kept.
type Corrupt struct {
	Want, Got string
}

func (c *Corrupt) Error() string {
	return fmt.Sprintf("the source gave something else: want %s, got %s", c.Want, c.Got)
}

// Unavailable means that the source could not be reached or was busy; another time it may work. What had arrived of a
// file is kept.
type Unavailable struct {
	RetryAfter time.Duration // as the source asked for; 0 if it did not
	Err        error
}

func (u *Unavailable) Error() string { return fmt.Sprintf("the source is not available: %v", u.Err) }

func (u *Unavailable) Unwrap() error { return u.Err }

// Refused means that the source answered with a status that asking again does not change, such as 403.
type Refused struct {
	Status string // for instance "403 Forbidden"
}

func (r *Refused) Error() string { return "the source refused: " + r.Status }

// mismatch is Corrupt, except where a web page came: that is no damage, and passes.
func mismatch(page bool, want, got string) error {
	if page {
		return &Unavailable{Err: errPage}
	}
	return &Corrupt{Want: want, Got: got}
}
