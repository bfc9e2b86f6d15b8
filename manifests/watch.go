package manifests

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	quiet    = 250 * time.Millisecond // a writer that paused for this long is probably done
	maxQuiet = 2 * time.Second        // a writer that never pauses is looked at nevertheless
)

// watcher turns file events into hints. It watches folders, because a watched file falls silent when an editor replaces
// it. It may fail at any time, which costs speed and nothing else: the source looks at its interval anyway.
type watcher struct {
	log     *slog.Logger
	notify  *fsnotify.Watcher      // nil before the first folder and after a failure
	watched map[string]os.FileInfo // which folder stood there when it was added
	failed  bool                   // so that a failure is logged once
}

// follow watches exactly these folders and reports whether it added one.
func (w *watcher) follow(folders []string) (added bool) {
	if len(folders) == 0 {
		return false
	}
	if w.notify == nil && !w.open() {
		return false
	}
	wanted := make(map[string]bool, len(folders))
	for _, folder := range folders {
		wanted[folder] = true
		added = w.add(folder) || added
	}
	for folder := range w.watched {
		if !wanted[folder] {
			w.drop(folder)
		}
	}
	return added
}

func (w *watcher) open() bool {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		w.fail(err)
		return false
	}
	w.notify, w.watched = notify, make(map[string]os.FileInfo)
	return true
}

// add watches a folder, again if another one took its place: a watch sticks to the folder and not to the name.
func (w *watcher) add(folder string) bool {
	info, err := os.Stat(folder)
	if err != nil {
		w.drop(folder)
		return false
	}
	if old, ok := w.watched[folder]; ok {
		if os.SameFile(old, info) {
			return false
		}
		w.drop(folder)
	}
	if err := w.notify.Add(folder); err != nil {
		w.fail(err)
		return false
	}
	w.watched[folder] = info
	return true
}

func (w *watcher) drop(folder string) {
	if _, ok := w.watched[folder]; ok {
		delete(w.watched, folder)
		_ = w.notify.Remove(folder) // fails if the folder is gone, and the watch with it
	}
}

// fail logs the first of a row of failures: the next look at the interval tries again.
func (w *watcher) fail(err error) {
	if !w.failed {
		w.log.Warn("file events are not available, looking at the interval only", "error", err)
	}
	w.failed = true
}

// wait returns when something happened in a watched folder and the writer paused, or the timer or a nudge comes first.
func (w *watcher) wait(ctx context.Context, timer <-chan time.Time, nudge <-chan struct{}) {
	events, failures := w.channels()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer:
			return
		case <-nudge:
			return
		case <-failures:
			w.close() // events were lost: start over
			return
		case e := <-events:
			if e.Op != fsnotify.Chmod {
				w.settle(ctx)
				return
			}
		}
	}
}

// settle waits for the end of a burst of events.
func (w *watcher) settle(ctx context.Context) {
	longest := time.NewTimer(maxQuiet)
	defer longest.Stop()
	events, failures := w.channels()
	for {
		pause := time.NewTimer(quiet)
		select {
		case <-events:
			pause.Stop()
			continue
		case <-failures:
			w.close()
		case <-ctx.Done():
		case <-longest.C:
		case <-pause.C:
		}
		pause.Stop()
		return
	}
}

// channels are the events and the failures of the watcher; nil, which never delivers, if there is none.
func (w *watcher) channels() (<-chan fsnotify.Event, <-chan error) {
	if w.notify == nil {
		return nil, nil
	}
	return w.notify.Events, w.notify.Errors
}

// close ends all watches; follow starts anew.
func (w *watcher) close() {
	if w.notify != nil {
		_ = w.notify.Close() // frees what can be freed; there is nothing else to do
		w.notify, w.watched = nil, nil
	}
}
