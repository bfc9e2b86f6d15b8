package manifests

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Commit is one change in the history of a Store.
type Commit struct {
	Revision string
	Author   string
	Email    string
	When     time.Time
	Reason   string // the whole message
}

// ErrNoRevision says that the history holds no such revision.
var ErrNoRevision = errors.New("the history holds no such revision")

// History lists at most limit commits, newest first: from the newest revision, or those before the revision after. Of a
// merge it follows the branch that was merged into. An empty list is the end. ErrNoRevision: after is none.
func (s *Store) History(ctx context.Context, after string, limit int) ([]Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	storage, err := openStorage(s.repo.path)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	next, err := resolve(storage, s.repo.ref)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	if after != "" {
		c, err := object.GetCommit(storage, plumbing.NewHash(after))
		if !plumbing.IsHash(after) || errors.Is(err, plumbing.ErrObjectNotFound) {
			err = ErrNoRevision
		}
		if err != nil {
			return nil, fmt.Errorf("read history: revision %.80q: %w", after, err)
		}
		next = parent(c)
	}
	var commits []Commit
	for len(commits) < limit && !next.IsZero() && ctx.Err() == nil {
		c, err := object.GetCommit(storage, next)
		if err != nil {
			return nil, fmt.Errorf("read history: revision %s: %w", next, incomplete(err))
		}
		commits = append(commits, describe(c))
		next = parent(c)
	}
	return commits, ctx.Err()
}

func parent(c *object.Commit) plumbing.Hash {
	if len(c.ParentHashes) == 0 {
		return plumbing.ZeroHash
	}
	return c.ParentHashes[0]
}

func describe(c *object.Commit) Commit {
	return Commit{Revision: c.Hash.String(), Author: c.Author.Name, Email: c.Author.Email, When: c.Author.When, Reason: strings.TrimSpace(c.Message)}
}

// At reads the manifests of any revision of the history. They are judged as they were: what is wrong by now is an *Invalid error.
func (s *Store) At(ctx context.Context, revision string) (*Snapshot, error) {
	if !plumbing.IsHash(revision) {
		return nil, fmt.Errorf("revision %q: want the 40 digits of a commit", revision)
	}
	return Read(ctx, s.repo.path, Options{Branch: revision, Now: s.Now})
}

// Restore gives every file the content that it has in a snapshot of the same store, and removes those that it lacks:
// the way back to an earlier revision.
func (d *Draft) Restore(to *Snapshot) {
	for path := range d.files {
		if _, ok := to.files[path]; !ok {
			d.put(path, nil)
		}
	}
	for path, f := range to.files {
		d.put(path, f.data)
	}
}
