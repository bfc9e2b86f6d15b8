package bench

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The shape of the measurement: the median of some rounds in turns, each long enough for a few of Go's collections.
const (
	computers = 200
	rounds    = 7
	roundTime = 1500 * time.Millisecond
)

// BenchmarkCheckin is how many check-ins without news a second of one processor answers: the whole server process, with
// a session and an inventory entry for each computer, against all processes of an nginx that knows nothing and always
// says 304. Both have the same processor, and the same bytes are sent to both from another one, in turns.
func BenchmarkCheckin(b *testing.B) {
	cores := processors(b)
	manifests := b.TempDir()
	write(b, filepath.Join(manifests, "fleet.yaml"), checkinManifests)
	server := startServer(b, cores[0], "http", "dir:"+manifests)
	enrolment, requests := server.enrolment(b), make([][]byte, computers)
	for i := range requests {
		requests[i] = request(b, enrolment, fmt.Sprintf("WARD-%03d", i))
	}
	nginxAddress, nginx := startNginx(b, cores[0])
	pin(b, cores[1], cores)
	lull, other := newLoad(b, server.address, requests), newLoad(b, nginxAddress, requests)

	var ours, theirs, ratios []float64
	for b.Loop() {
		for range rounds {
			our, their := perSecond(b, lull, server.pid), perSecond(b, other, nginx)
			ours, theirs, ratios = append(ours, our), append(theirs, their), append(ratios, our/their)
		}
	}
	b.ReportMetric(0, "ns/op") // the length of a round says nothing
	b.ReportMetric(median(ours), "checkins/cpu-s")
	b.ReportMetric(median(theirs), "nginx/cpu-s")
	b.ReportMetric(median(ratios), "ratio")
	b.Logf("check-ins a second of one processor: %.0f; nginx: %.0f", ours, theirs)
}

// perSecond loads a process for one round and returns the answers for each second of processor time.
func perSecond(b *testing.B, l *load, pid int) float64 {
	b.Helper()
	before := cpuTime(b, pid)
	answers, err := l.run(roundTime)
	if err != nil {
		b.Fatal(err)
	}
	return float64(answers) / (cpuTime(b, pid) - before).Seconds()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// pin keeps the load on one processor until the benchmark ends.
func pin(b *testing.B, core string, all []string) {
	b.Helper()
	set := func(cores string) { run(b, nil, "taskset", "-acp", cores, strconv.Itoa(os.Getpid())) }
	set(core)
	b.Cleanup(func() { set(strings.Join(all, ",")) })
}

const checkinManifests = `apiVersion: lull/v1
kind: Client
metadata: {name: viewer}
spec: {compatibility: unchecked, platforms: {linux: {install: [/opt/viewer], version: {file: VERSION}}}}
---
apiVersion: lull/v1
kind: Group
metadata: {name: all}
spec: {client: viewer, members: {all: true}, version: "5.8.1"}
`

// startNginx runs an nginx with one worker that says 304 to everything.
func startNginx(b *testing.B, core string) (address string, pid int) {
	b.Helper()
	dir := b.TempDir()
	address = freeAddress(b)
	config := filepath.Join(dir, "nginx.conf")
	write(b, config, fmt.Sprintf(`daemon off;
worker_processes 1;
pid %[1]s/nginx.pid;
events { worker_connections 1024; }
http {
	access_log off;
	keepalive_requests 1000000000;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	server { listen %[2]s; location / { return 304; } }
}
`, dir, address))
	pid = start(b, nil, "taskset", "-c", core, "nginx", "-e", filepath.Join(dir, "error.log"), "-p", dir, "-c", config)
	await(b, "nginx listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close() // nothing was sent
		}
		return err == nil
	})
	return address, pid
}
