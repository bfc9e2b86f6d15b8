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
	Reason   string            // the message without its trailers
	Trailers map[string]string // may be nil
}

// History lists at most limit commits, newest first: from the newest revision, or those before the revision after. Of a
// merge it follows the branch that was merged into. An empty list is the end.
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
		if err != nil {
			return nil, fmt.Errorf("read history: revision %q: %w", after, err)
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
	reason, trailers := splitMessage(c.Message)
	return Commit{Revision: c.Hash.String(), Author: c.Author.Name, Email: c.Author.Email, When: c.Author.When, Reason: reason, Trailers: trailers}
}

// splitMessage takes the last paragraph of a message as trailers if every line of it is one and something is above it.
func splitMessage(message string) (reason string, trailers map[string]string) {
	message = strings.TrimSpace(message)
	i := strings.LastIndex(message, "\n\n")
	if i < 0 {
		return message, nil
	}
	trailers = make(map[string]string)
	for line := range strings.SplitSeq(message[i+2:], "\n") {
		key, value, ok := strings.Cut(line, ": ")
		if !ok || strings.Contains(key, " ") {
			return message, nil
		}
		trailers[key] = value
	}
	return strings.TrimSpace(message[:i]), trailers
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
func (d *Draft) Restore(to *Snapshot) error {
	for path := range d.files {
		if _, ok := to.files[path]; !ok {
			d.changed[path] = nil
		}
	}
	var err error
	for path, f := range to.files {
		err = errors.Join(err, d.Write(path, f.data))
	}
	return err
}
