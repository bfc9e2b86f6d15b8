package install

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"lull/internal/release"
)

// state names the step that an update is about to do or doing. It is on the disk before the step begins.
type state string

const (
	staged    state = "staged"    // the new tree waits beside the installation
	fencing   state = "fencing"   // programs of both trees are renamed aside
	swapping  state = "swapping"  // the trees change places
	checking  state = "checking"  // the new tree is installed and must prove itself
	committed state = "committed" // the new tree stays, the old one is being deleted
	reverting state = "reverting" // the new tree failed; the trees change places again
	reverted  state = "reverted"  // the old tree is installed again, the caller has not yet taken note
)

// journal is what recovery needs to know. The two indexes stand in files of their own, so that the small file that is
// written under the gate stays small; their digests tie them to it.
type journal struct {
	State          state            `json:"state"`
	Old            identity         `json:"old"` // of the tree that was installed when the release was staged
	New            identity         `json:"new"` // of the tree that was staged
	BaselineDigest string           `json:"baselineDigest"`
	TargetDigest   string           `json:"targetDigest"`
	Keep           []string         `json:"keep,omitempty"`
	Kept           map[string]stamp `json:"kept,omitempty"`      // user data of the old tree as it was copied, by path
	OldFenced      []string         `json:"oldFenced,omitempty"` // programs that may be renamed aside
	NewFenced      []string         `json:"newFenced,omitempty"`
	Failure        string           `json:"failure,omitempty"` // why the release is taken back
	Aside          string           `json:"aside,omitempty"`   // with Failure: the folder for user data from before the update

	baseline, target *release.Index
	keep             keep
}

// load reads the journal; nil without an error means that there is none. The lock must be held.
func (i *Installation) load() (*journal, error) {
	if err := i.keepHold(); err != nil {
		return nil, err
	}
	var j journal
	data, err := os.ReadFile(i.beside(journalName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &j)
	}
	if err == nil && !slices.Contains([]state{staged, fencing, swapping, checking, committed, reverting, reverted}, j.State) {
		err = fmt.Errorf("it names the unknown step %q; is it from a newer agent?", j.State)
	}
	if err == nil {
		j.baseline, err = i.loadIndex(baselineName, j.BaselineDigest)
	}
	if err == nil {
		j.target, err = i.loadIndex(targetName, j.TargetDigest)
	}
	if err == nil {
		j.keep, err = newKeep(j.Keep)
	}
	if err != nil {
		return nil, fmt.Errorf("read the journal of %s: %w: compare the installation with its release, then remove %s", i.dir, err, i.staging)
	}
	return &j, nil
}

// loadIndex reads an index, unless the one with that digest was read before: a pass that waits for the end of a client
// loads the journal every few seconds. Nobody changes an index.
func (i *Installation) loadIndex(name, want string) (*release.Index, error) {
	if index := i.indexes[want]; index != nil {
		return index, nil
	}
	data, err := os.ReadFile(i.beside(name))
	if err != nil {
		return nil, err
	}
	if got := digest(data); got != want {
		return nil, fmt.Errorf("%s: sha256 is %s, the journal says %s", name, got, want)
	}
	index := new(release.Index)
	if err := json.Unmarshal(data, index); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	i.indexes[want] = index
	return index, nil
}

// require is load for a step that needs one of the states.
func (i *Installation) require(wanted ...state) (*journal, error) {
	j, err := i.load()
	if err != nil {
		return nil, err
	}
	if j == nil {
		return nil, ErrNotStaged
	}
	if slices.Contains(wanted, j.State) {
		return j, nil
	}
	if j.State == staged {
		return nil, ErrNotStaged
	}
	return nil, ErrUnfinished
}

// enter writes the journal with the state of the step that comes next.
func (i *Installation) enter(j *journal, s state) error {
	j.State = s
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	if err := i.fs.write(i.beside(journalName), append(data, '\n')); err != nil {
		return fmt.Errorf("note the step %q: %w", s, err)
	}
	return nil
}

// begin writes the indexes and then the first state of an update.
func (i *Installation) begin(j *journal) error {
	var err error
	if j.BaselineDigest, err = i.saveIndex(baselineName, j.baseline); err != nil {
		return err
	}
	if j.TargetDigest, err = i.saveIndex(targetName, j.target); err != nil {
		return err
	}
	return i.enter(j, staged)
}

func (i *Installation) saveIndex(name string, index *release.Index) (string, error) {
	data, err := encode(index)
	if err != nil {
		return "", err
	}
	return digest(data), i.fs.write(i.beside(name), data)
}

// forget ends an update: without a journal there is nothing to recover.
func (i *Installation) forget() error {
	clear(i.indexes)
	if err := i.removeIfThere(place{i.staging, journalName}); err != nil {
		return err
	}
	if err := i.fs.flush(i.staging); err != nil {
		return err
	}
	return i.tidy()
}

func (i *Installation) removeIfThere(p place) error {
	err := i.fs.remove(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func encode(index *release.Index) ([]byte, error) {
	var b bytes.Buffer
	err := json.NewEncoder(&b).Encode(index)
	return b.Bytes(), err
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// at reports whether the tree with the identity is the one at path.
func (i *Installation) at(path string, id identity) bool {
	found, err := identify(path)
	return err == nil && found.same(id)
}

// locate finds a tree that is not installed.
func (i *Installation) locate(id identity) (string, bool) {
	for _, name := range []string{newName, oldName} {
		if path := filepath.Join(i.staging, name); i.at(path, id) {
			return path, true
		}
	}
	return "", false
}

// identity tells trees apart whatever their names are: device and inode, or volume and file id.
type identity struct {
	Volume uint64 `json:"volume"`
	File   uint64 `json:"file"`
}

// same ignores the volume, because both trees are on the same one and device numbers change from one boot to the next.
func (id identity) same(other identity) bool { return id.File == other.File }
