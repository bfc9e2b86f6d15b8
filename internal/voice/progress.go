package voice

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// Progress is a line on a terminal that says how far something is. It stays silent for the first second and where
// nobody looks: in a pipe, a file or a log.
type Progress struct {
	w     io.Writer
	title string
	shown bool // on a terminal

	now func() time.Time

	mu      sync.Mutex
	begun   time.Time
	last    time.Time
	printed bool
}

// patience is how long something may take before people want to know how far it is.
const patience = time.Second

// NewProgress begins a line; w is shown progress only if it is a terminal.
func NewProgress(w io.Writer, title string) *Progress {
	return &Progress{w: w, title: title, shown: Terminal(w), now: time.Now, begun: time.Now()}
}

// Terminal reports whether people look at what is written to w as it comes.
func Terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Set says that done of total bytes are done; total is 0 while nobody knows.
func (p *Progress) Set(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if !p.shown || now.Sub(p.begun) < patience || now.Sub(p.last) < 100*time.Millisecond {
		return
	}
	p.last, p.printed = now, true
	rate := int64(float64(done) / now.Sub(p.begun).Seconds())
	if total > 0 {
		fmt.Fprintf(p.w, "\r\x1b[K%s: %s of %s, %s/s", p.title, Bytes(done), Bytes(total), Bytes(rate))
	} else {
		fmt.Fprintf(p.w, "\r\x1b[K%s: %s, %s/s", p.title, Bytes(done), Bytes(rate))
	}
}

// Done takes the line away.
func (p *Progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.printed {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// Width is the number of columns of the terminal behind w, 0 if that is none.
func Width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
