package install

import (
	"errors"
	"testing"
)

// A client that was started right after the swap may hold a file of the release for itself. That proves nothing against
// the release.
func TestCheckWaitsForAFileThatIsHeld(t *testing.T) {
	w := newWorld(t)
	w.stage()
	w.must(w.swap)
	w.must(func(i *Installation) error {
		h, err := system{}.hold(place{w.dir, "data/text.txt"})
		if err != nil {
			return err
		}
		var busy *BusyError
		if _, err := i.Check(t.Context()); !errors.As(err, &busy) {
			t.Errorf("got %v, want busy", err)
		}
		if err := h.Close(); err != nil {
			return err
		}
		return w.pass(i)
	})
	w.finished("when nobody holds it any more")
}
