package command

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/windows"
)

// Wine keeps of an access list what fits into the mode of a file, which is enough to see that the list is really asked.
func TestTrusted(t *testing.T) {
	tree := installed(t)
	if err := tree.Trusted(); err != nil {
		t.Fatalf("as installed: %v", err)
	}
	library := filepath.Join(tree.Root, "bin", "core.dll")
	sd, err := windows.SecurityDescriptorFromString("D:P(A;;FA;;;SY)(A;;FA;;;OW)(A;;FA;;;WD)")
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := sd.DACL()
	if err != nil {
		t.Fatal(err)
	}
	const what = windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION
	if err := windows.SetNamedSecurityInfo(library, windows.SE_FILE_OBJECT, what, nil, nil, list, nil); err != nil {
		t.Fatal(err)
	}
	_, run := tree.Run(t.Context(), []string{program(), "version"}, plenty)
	for name, err := range map[string]error{"trusted": tree.Trusted(), "run": run} {
		if insecure := (*InsecureError)(nil); !errors.As(err, &insecure) || insecure.Path != library {
			t.Errorf("%s: a library that everybody may change: %v", name, err)
		}
	}
}

func TestToAccessList(t *testing.T) {
	for text, blamed := range map[string]bool{
		"O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;BU)": false,
		"O:BAD:P(A;;FA;;;SY)(A;OICIIO;FA;;;CO)":             false,
		"O:BAD:P(D;;FA;;;WD)(A;;FA;;;SY)":                   false,
		"O:BAD:P":                                           false, // an empty list lets nobody in
		"O:BA":                                              true,  // none lets everybody in
		"O:BUD:P(A;;FA;;;SY)":                               true,
		"O:BAD:P(A;;FA;;;SY)(A;OICIIO;0x1301bf;;;AU)":       true,
	} {
		sd, err := windows.SecurityDescriptorFromString(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		list, err := toAccessList(sd)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if why := list.others(inside, self); (why != "") != blamed {
			t.Errorf("%s: %q", text, why)
		}
	}
}
