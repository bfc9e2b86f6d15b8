package bench

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkSize is how large the programs are that every workstation gets, in megabytes.
func BenchmarkSize(b *testing.B) {
	folder := os.Getenv("LULL_BIN")
	if folder == "" {
		b.Skip("LULL_BIN is not set: make bench builds the programs and runs this")
	}
	for system, name := range map[string]string{"linux": "lull-agent", "windows": "lull-agent.exe"} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/1e6, system+"-MB")
	}
	b.ReportMetric(0, "ns/op") // nothing runs
}
