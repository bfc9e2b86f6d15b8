package command

import (
	"strings"
	"testing"
)

const (
	self          = "S-1-5-21-1-2-3-1001"
	users         = "S-1-5-32-545"
	authenticated = "S-1-5-11"
	system        = "S-1-5-18"
	admins        = "S-1-5-32-544"
	installer     = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
	creator       = "S-1-3-0"
	fullControl   = 0x1f01ff
	modify        = 0x1301bf
	readAndRun    = 0x1200a9
)

func TestOthers(t *testing.T) {
	list := func(owner string, more ...accessEntry) accessList {
		return accessList{owner: owner, entries: append([]accessEntry{{mask: fullControl, who: system}, {mask: fullControl, who: admins},
			{mask: readAndRun, who: users}, {flags: 0x0b, mask: genericAll, who: creator}}, more...)}
	}
	for name, tt := range map[string]struct {
		list  accessList
		at    position
		blame string
	}{
		"below Program Files":           {list: list(installer), at: inside},
		"of this user":                  {list: list(self, accessEntry{mask: fullControl, who: self}), at: inside},
		"owned by a user":               {list: list(users), at: inside, blame: users},
		"owned by a user, on the way":   {list: list(users), at: above, blame: users},
		"no list":                       {list: accessList{owner: system, none: true}, at: above, blame: "no access list"},
		"an empty list":                 {list: accessList{owner: system}, at: inside},
		"modify":                        {list: list(system, accessEntry{mask: modify, who: users}), at: inside, blame: users},
		"modify, conditionally":         {list: list(system, accessEntry{kind: allowCallback, mask: modify, who: users}), at: inside, blame: users},
		"modify, denied":                {list: list(system, accessEntry{kind: deny, mask: modify, who: users}), at: inside},
		"an entry of an object":         {list: list(system, accessEntry{kind: 5, mask: readAndRun, who: users}), at: inside, blame: "kind 5"},
		"the root of a system's volume": {list: list(installer, accessEntry{mask: appendData, who: authenticated}, accessEntry{flags: 0x0b, mask: modify, who: authenticated}), at: volume},
		"the root of another volume":    {list: list(system, accessEntry{mask: modify, who: authenticated}), at: volume},
		"that root, with everything":    {list: list(system, accessEntry{mask: fullControl, who: authenticated}), at: volume, blame: authenticated},
		"adding on the way":             {list: list(system, accessEntry{mask: appendData | writeData, who: users}), at: above},
		"modify on the way":             {list: list(system, accessEntry{mask: modify, who: users}), at: above, blame: users},
		"inherited only, on the way":    {list: list(system, accessEntry{flags: inheritOnly, mask: modify, who: users}), at: above},
		"inherited only, in the tree":   {list: list(system, accessEntry{flags: inheritOnly, mask: modify, who: users}), at: inside, blame: users},
	} {
		got := tt.list.others(tt.at, self)
		if (got == "") != (tt.blame == "") || !strings.Contains(got, tt.blame) {
			t.Errorf("%s: %q, want %q", name, got, tt.blame)
		}
	}
	for _, right := range []uint32{writeData, appendData, writeExtra, deleteChild, deleteSelf, writeList, writeOwner, genericWrite, genericAll, maximumAllowed} {
		if l := list(system, accessEntry{mask: right, who: users}); l.others(inside, self) == "" {
			t.Errorf("right %#x in the tree was accepted", right)
		}
	}
	for _, right := range []uint32{deleteChild, deleteSelf, writeList, writeOwner, genericAll, maximumAllowed} {
		if l := list(system, accessEntry{mask: right, who: users}); l.others(above, self) == "" {
			t.Errorf("right %#x on the way was accepted", right)
		}
	}
}
