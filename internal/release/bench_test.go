package release

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkAdd stores a desktop program of usual shape: 1,000 files, 64 MiB.
func BenchmarkAdd(b *testing.B) {
	dir := b.TempDir()
	random := rand.NewChaCha8([32]byte{1})
	content := make([]byte, 64<<10)
	for k := range 1000 {
		_, _ = random.Read(content) // never fails
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%04d.dll", k)), content, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "VERSION"), []byte("5.8"), 0o600); err != nil {
		b.Fatal(err)
	}
	d := viewer("5.8")
	d.Platform.Start = nil
	b.SetBytes(1000 * int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		s, err := Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Add(b.Context(), dir, d); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	i := good()
	for k := range 10_000 {
		i.Files = append(i.Files, File{Path: fmt.Sprintf("lib/some folder/file-%05d.dll", k), SHA256: Digest([]byte(fmt.Sprint(k))), Size: 1})
	}
	data := i.Encode()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := ParseIndex(data); err != nil {
			b.Fatal(err)
		}
	}
}
