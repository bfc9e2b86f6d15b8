// Command client stands in for a desktop client, on Linux and on Windows, in demonstrations and tests.
//
// It does nothing but run, as a client does while somebody works with it, and so keeps its installation in use. It ends
// when its standard input closes, when a signal asks it to, when the time given by -for is over, or when the file given
// by -hold is removed, whichever comes first; with -for or -hold its standard input does not matter. It reads and writes
// nothing else and depends on nothing but Go's library.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// look is how often the file of -hold is looked for.
const look = 50 * time.Millisecond

func main() {
	forTime := flag.Duration("for", 0, "run this long, for instance 30s")
	hold := flag.String("hold", "", "run while this file exists")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Println("client runs")
	run(ctx, os.Stdin, *forTime, *hold)
}

// run returns when the client shall end.
func run(ctx context.Context, in io.Reader, forTime time.Duration, hold string) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	if forTime > 0 {
		defer time.AfterFunc(forTime, end).Stop()
	}
	switch {
	case hold != "":
		holdWhile(ctx, hold)
		return
	case forTime == 0:
		go func() { // ends with the process, since nothing interrupts a read
			defer end()
			io.Copy(io.Discard, in) // its end is the signal, and so is a failure
		}()
	}
	<-ctx.Done()
}

func holdWhile(ctx context.Context, file string) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
