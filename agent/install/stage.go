package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"lull/internal/release"
	"lull/schema"
)

// Update says what shall become what.
type Update struct {
	Baseline *release.Index // of the installed version
	Target   *release.Index // of the version to install
	Keep     []string       // patterns of user data, which no update changes
}

// reserve is left free on the volume, for the client and everybody else.
const reserve = 32 << 20

// Stage puts the complete tree of the target beside the installation, verified file by file, and notes it in the
// journal. The client may run meanwhile. A Stage that was interrupted goes on where it stopped, and one that is
// already done is done. Progress, if not nil, is told bytes of the target's files.
//
// Errors to tell apart: *NoSpaceError, *ForeignFilesError, *RefusedError, ErrUnfinished, what blobs returns, and
// *command.InsecureError where the target has commands and users may write to the installation.
func (i *Installation) Stage(ctx context.Context, u Update, blobs Blobs, progress func(done, total int64)) error {
	s, err := i.newStager(u, blobs, progress)
	if err != nil {
		return err
	}
	if done, err := s.alreadyDone(ctx); done || err != nil {
		return err
	}
	steps := []func(context.Context) error{s.volume, s.room, s.prune, s.files, s.userData, s.verify, s.note}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return fmt.Errorf("stage %s: %w", u.Target.Version, spaceError(i.staging, err))
		}
	}
	return nil
}

// stager is one run of Stage.
type stager struct {
	*Installation
	Update
	root        string // of the new tree
	keep        keep
	target      known
	have        map[string]place // where content may be copied from, by hash
	blobs       Blobs
	progress    func(done, total int64)
	done, total int64
	kept        map[string]stamp
}

func (i *Installation) newStager(u Update, blobs Blobs, progress func(done, total int64)) (*stager, error) {
	if u.Baseline == nil || u.Target == nil {
		return nil, errors.New("stage: the index of the installed version and that of the target are required")
	}
	k, err := newKeep(u.Keep)
	if err != nil {
		return nil, err
	}
	if err := checkIndex(u.Target, k); err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	s := &stager{Installation: i, Update: u, root: i.beside(newName), keep: k, target: know(u.Target), blobs: blobs, progress: progress}
	s.have = make(map[string]place, len(u.Baseline.Files))
	for _, f := range u.Baseline.Files {
		s.have[f.SHA256] = place{i.dir, f.Path}
	}
	for _, f := range u.Target.Files {
		s.total += f.Size
	}
	if err := trusted(i.dir, u.Target, k); err != nil {
		return nil, fmt.Errorf("stage %s: %w", u.Target.Version, err)
	}
	return s, i.refuseForeign(u.Baseline, k)
}

// alreadyDone also gives up what is staged for something else.
func (s *stager) alreadyDone(context.Context) (bool, error) {
	j, err := s.load()
	if j == nil || err != nil {
		return false, err
	}
	if j.State != staged {
		return false, ErrUnfinished
	}
	same, err := s.sameUpdate(j)
	if err != nil || same {
		return same, err
	}
	return false, s.forget()
}

func (s *stager) sameUpdate(j *journal) (bool, error) {
	baseline, err := encode(s.Baseline)
	if err != nil {
		return false, err
	}
	target, err := encode(s.Target)
	if err != nil {
		return false, err
	}
	return digest(baseline) == j.BaselineDigest && digest(target) == j.TargetDigest && slices.Equal(s.Keep, j.Keep) &&
		s.at(s.dir, j.Old) && s.at(s.root, j.New), nil
}

// volume refuses an installation that cannot change places with anything beside it.
func (s *stager) volume(context.Context) error {
	installed, err := identify(s.dir)
	if err != nil {
		return err
	}
	beside, err := identify(s.staging)
	if err == nil && installed.Volume != beside.Volume {
		err = fmt.Errorf("%s is a mount point of its own and cannot be exchanged: install the client in a folder below it", s.dir)
	}
	return err
}

// room refuses to begin what cannot end.
func (s *stager) room(context.Context) error {
	need := int64(reserve)
	for _, f := range s.Target.Files {
		if info, err := os.Lstat(place{s.root, f.Path}.String()); err != nil || info.Size() != f.Size {
			need += f.Size
		}
	}
	old, err := walk(s.dir)
	if err != nil {
		return err
	}
	for _, e := range old {
		if e.info.Mode().IsRegular() && s.keep.has(e.path) {
			need += e.info.Size()
		}
	}
	free, err := freeSpace(s.staging)
	if err == nil && free < need {
		err = &NoSpaceError{Need: need, Available: free}
	}
	return err
}

// prune removes from an earlier attempt what the target does not have.
func (s *stager) prune(context.Context) error {
	if err := s.fs.mkdir(place{s.staging, newName}); err != nil {
		return err
	}
	_, err := s.removeTree(s.root, func(e entry) bool {
		if e.info.IsDir() {
			return s.target.folders[fold(e.path)]
		}
		_, wanted := s.target.files[fold(e.path)]
		return wanted && e.info.Mode().IsRegular() && !s.keep.has(e.path)
	})
	if err != nil {
		return err
	}
	return s.fs.mkdir(place{s.staging, newName})
}

func (s *stager) files(ctx context.Context) error {
	if err := s.fs.mkdir(place{s.staging, partsName}); err != nil {
		return err
	}
	for _, f := range s.Target.Files {
		if err := s.file(ctx, f); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		s.have[f.SHA256] = place{s.root, f.Path}
		s.done += f.Size
		s.progress(s.done, s.total)
	}
	return nil
}

// file puts one file of the target into the new tree and believes nothing but its hash.
func (s *stager) file(ctx context.Context, f release.File) error {
	to := place{s.root, f.Path}
	if done, err := matches(ctx, to, f); done || err != nil {
		return err
	}
	if err := s.fs.mkdir(place{s.root, path.Dir(f.Path)}); err != nil {
		return err
	}
	copied, err := s.reuse(ctx, f, to)
	if err == nil && !copied {
		err = s.fetch(ctx, f, to)
	}
	if err != nil {
		return err
	}
	return s.fs.like(to, "", f.Executable)
}

// reuse copies the content from the old tree, or from a file that is staged already. That the old tree's file was
// changed by somebody shows in the hash of the copy.
func (s *stager) reuse(ctx context.Context, f release.File, to place) (bool, error) {
	from, ok := s.have[f.SHA256]
	if !ok || s.keep.has(from.path) {
		return false, nil
	}
	err := s.fs.copy(from, to)
	if errors.Is(err, fs.ErrNotExist) || isSharing(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return matches(ctx, to, f)
}

func (s *stager) fetch(ctx context.Context, f release.File, to place) error {
	part := place{s.beside(partsName), f.SHA256}
	if err := s.blobs.Fetch(ctx, f, part.String()); err != nil {
		return err
	}
	if err := s.fs.flush(part.String()); err != nil { // what could not be flushed once is never believed again
		return errors.Join(err, s.removeIfThere(part))
	}
	if err := s.fs.rename(s.staging, path.Join(partsName, f.SHA256), path.Join(newName, f.Path)); err != nil {
		return err
	}
	same, err := matches(ctx, to, f)
	if err == nil && !same {
		err = errors.Join(fmt.Errorf("what was fetched is not what the index names: sha256 %s", f.SHA256), s.removeIfThere(to))
	}
	return err
}

// userData copies keep files ahead, so that little is left to do under the gate. What the running client holds or
// writes just now is left for then.
func (s *stager) userData(ctx context.Context) error {
	var err error
	s.kept, err = s.carry(ctx, carriage{from: s.dir, to: s.root, keep: s.keep, known: know(s.Baseline), target: &s.target, lenient: true})
	return err
}

// verify compares the whole tree once more, reads its version, and flushes the names of all files.
func (s *stager) verify(ctx context.Context) error {
	d, _, err := compareNames(s.root, s.Target, s.keep)
	if err != nil {
		return err
	}
	if len(d.Foreign) > 0 {
		return fmt.Errorf("the staged tree holds %s, which nothing put there", d.Foreign[0])
	}
	if err := s.readBack(ctx, s.root, s.Target, s.keep); isInsecure(err) {
		return err
	} else if err != nil {
		return &RefusedError{s.Target.Version, err.Error()}
	}
	entries, err := walk(s.root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.info.IsDir() {
			if err := s.fs.flush(place{s.root, e.path}.String()); err != nil {
				return err
			}
		}
	}
	return errors.Join(s.fs.flush(s.root), s.fs.flush(s.staging))
}

// note makes the staged tree known: before this line it does not exist for anybody.
func (s *stager) note(context.Context) error {
	j := &journal{Keep: s.Keep, Kept: s.kept, baseline: s.Baseline, target: s.Target, keep: s.keep}
	var err error
	if j.Old, err = identify(s.dir); err != nil {
		return err
	}
	if j.New, err = identify(s.root); err != nil {
		return err
	}
	if _, err := s.removeTree(s.beside(partsName), nothing); err != nil {
		return err
	}
	return s.begin(j)
}

// spaceError names a full disk, however it showed.
func spaceError(folder string, err error) error {
	var known *NoSpaceError
	if err == nil || errors.As(err, &known) || !isFull(err) {
		return err
	}
	free, _ := freeSpace(folder)
	return fmt.Errorf("%w (%w)", err, &NoSpaceError{Need: free + reserve, Available: free})
}

// checkIndex holds the rules that the engine itself needs, whoever has checked the index before.
func checkIndex(index *release.Index, k keep) error {
	refuse := func(format string, args ...any) error {
		return &RefusedError{index.Version, fmt.Sprintf(format, args...)}
	}
	if index.Method != schema.MethodTree {
		return refuse("its method is %q, not tree", index.Method)
	}
	if len(index.Files) == 0 {
		return refuse("it has no files")
	}
	seen := map[string]bool{}
	for _, f := range index.Files {
		// Two files that Windows cannot tell apart are refused everywhere: a release has one meaning.
		name := strings.ToLower(f.Path)
		if err := release.CheckPath(f.Path); err != nil {
			return refuse("%v", err)
		}
		switch {
		case seen[name]:
			return refuse("%s is listed twice", f.Path)
		case f.Size < 0 || len(f.SHA256) != 64:
			return refuse("%s has no size or no hash", f.Path)
		}
		seen[name] = true
	}
	for _, program := range commands(index) {
		name := path.Clean(strings.ReplaceAll(program, `\`, "/"))
		if !slices.ContainsFunc(index.Files, func(f release.File) bool { return fold(f.Path) == fold(name) }) {
			return refuse("%s is to be run and is no file of the release", program)
		}
		if k.has(name) {
			return refuse("%s is to be run and is user data", program)
		}
	}
	return nil
}

// commands lists the programs that the index has run.
func commands(index *release.Index) (programs []string) {
	if c := index.Read.Command; len(c) > 0 {
		programs = append(programs, c[0])
	}
	if c := index.Check; c != nil && len(c.Command) > 0 {
		programs = append(programs, c.Command[0])
	}
	return programs
}
