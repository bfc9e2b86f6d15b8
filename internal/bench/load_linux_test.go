package bench

import (
	"bytes"
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// perWorker is how many connections one goroutine serves: it writes to all of them before it reads from the first, so
// that what is measured always has work and never sleeps, and the answers are mostly there when they are asked for.
const perWorker = 20

var (
	notModified = []byte("HTTP/1.1 304 ")
	headerEnd   = []byte("\r\n\r\n")
)

// load is a number of computers, each with a connection that it keeps.
type load struct {
	requests [][]byte
	conns    []net.Conn
}

func newLoad(b *testing.B, address string, requests [][]byte) *load {
	b.Helper()
	l := &load{requests: requests}
	for range requests {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() }) // its last answer was read
		l.conns = append(l.conns, conn)
	}
	return l
}

// run sends requests for some time, one at a time on each connection, and counts the answers.
func (l *load) run(d time.Duration) (answers int, err error) {
	deadline := time.Now().Add(d)
	var group errgroup.Group
	counts := make([]int, 0, len(l.conns)) // never grows beyond, so that the pointers into it stay good
	for first := 0; first < len(l.conns); first += perWorker {
		last := min(first+perWorker, len(l.conns))
		counts = append(counts, 0)
		count := &counts[len(counts)-1]
		group.Go(func() (err error) {
			*count, err = work(l.conns[first:last], l.requests[first:last], deadline)
			return err
		})
	}
	err = group.Wait()
	for _, n := range counts {
		answers += n
	}
	return answers, err
}

func work(conns []net.Conn, requests [][]byte, deadline time.Time) (answers int, err error) {
	buffer := make([]byte, 4096)
	for _, conn := range conns {
		if err := conn.SetDeadline(deadline.Add(patience)); err != nil {
			return 0, err
		}
	}
	for time.Now().Before(deadline) {
		for i, conn := range conns {
			if _, err := conn.Write(requests[i]); err != nil {
				return answers, err
			}
		}
		for _, conn := range conns {
			if err := readNotModified(conn, buffer); err != nil {
				return answers, err
			}
			answers++
		}
	}
	return answers, nil
}

// readNotModified reads one answer, which has no body.
func readNotModified(conn net.Conn, buffer []byte) error {
	got := buffer[:0]
	for !bytes.HasSuffix(got, headerEnd) {
		n, err := conn.Read(buffer[len(got):])
		if err != nil {
			return fmt.Errorf("%w after %q", err, got)
		}
		got = buffer[:len(got)+n]
	}
	if !bytes.HasPrefix(got, notModified) {
		return fmt.Errorf("the answer is %q, and a 304 was wanted", got)
	}
	return nil
}
