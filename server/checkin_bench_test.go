package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"testing"

	"lull/internal/wire"
)

// BenchmarkCheckinNoNews sends check-ins without news over loopback, each connection as its own computer.
func BenchmarkCheckinNoNews(b *testing.B) {
	s, requests := benchServer(b)
	address := s.listener.Addr().String()
	b.ReportAllocs()
	b.ResetTimer()
	next := make(chan []byte, len(requests))
	for _, r := range requests {
		next <- r
	}
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		in, request := bufio.NewReader(conn), <-next
		for pb.Next() {
			if _, err := conn.Write(request); err != nil {
				b.Error(err)
				return
			}
			resp, err := http.ReadResponse(in, nil)
			if err != nil || resp.StatusCode != http.StatusNotModified {
				b.Errorf("status %v, %v", resp, err)
				return
			}
		}
	})
}

// benchServer runs a server with 64 computers and returns a request without news of each.
func benchServer(b *testing.B) (*Server, [][]byte) {
	b.Helper()
	r := start(b, Config{})
	r.apply(manifestsYAML)
	requests := make([][]byte, 64)
	e := r.enrolment()
	for i := range requests {
		a := r.agent(e, fmt.Sprintf("pc-%d", i))
		in := a.report(a.host, "5.8.0")
		in.Have = a.checkin(in).Digest
		a.post(http.StatusNotModified, wire.PathCheckin, in, nil)
		body, err := json.Marshal(in)
		if err != nil {
			b.Fatal(err)
		}
		var out bytes.Buffer
		fmt.Fprintf(&out, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", wire.PathCheckin, a.token, len(body), body)
		requests[i] = out.Bytes()
	}
	return r.Server, requests
}
