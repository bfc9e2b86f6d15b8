package schema

import (
	"fmt"
	"testing"

	"gopkg.in/yaml.v3"
)

// workstations is what a large fleet's repository holds: one small file for each workstation.
func workstations(n int) [][]byte {
	files := make([][]byte, n)
	for i := range files {
		files[i] = fmt.Appendf(nil, `# workstation %[1]d
apiVersion: lull/v1
kind: Workstation
metadata:
  name: ward-%[1]d
spec:
  name: WARD %[1]d
  client: viewer
  labels:
    ward: cardiology
    floor: "2"
  version: "5.8.1"
  allowDowngrade: true
  suspend:
    reason: long measurement
    by: B. Example
`, i)
	}
	return files
}

func BenchmarkParse10000(b *testing.B) {
	files := workstations(10000)
	b.ReportAllocs()
	for b.Loop() {
		for _, data := range files {
			if f := ParseFile("a.yaml", data); len(f.Errors) > 0 {
				b.Fatal(f.Errors)
			}
		}
	}
}

// BenchmarkParse10000BareYAML is what the YAML library alone takes for the same values, without any check.
func BenchmarkParse10000BareYAML(b *testing.B) {
	type manifest struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
		Metadata   struct {
			Name string `yaml:"name"`
		} `yaml:"metadata"`
		Spec struct {
			Name           string            `yaml:"name"`
			Client         string            `yaml:"client"`
			Labels         map[string]string `yaml:"labels"`
			Version        string            `yaml:"version"`
			AllowDowngrade bool              `yaml:"allowDowngrade"`
			Suspend        struct {
				Reason string `yaml:"reason"`
				By     string `yaml:"by"`
			} `yaml:"suspend"`
		} `yaml:"spec"`
	}
	files := workstations(10000)
	b.ReportAllocs()
	for b.Loop() {
		for _, data := range files {
			var m manifest
			if err := yaml.Unmarshal(data, &m); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkNewSet10000 is what a change of one file costs beside parsing it.
func BenchmarkNewSet10000(b *testing.B) {
	files := []*File{ParseFile("client.yaml", []byte(viewer))}
	for i, data := range workstations(10000) {
		files = append(files, ParseFile(fmt.Sprintf("%d.yaml", i), data))
	}
	b.ReportAllocs()
	for b.Loop() {
		if set, errs := NewSet(files); errs != nil || set.Len() != 10001 {
			b.Fatal(errs)
		}
	}
}
