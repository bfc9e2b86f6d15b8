package schema

// Declares reports whether a manifest of this kind and name stands in the file, right or wrong.
func (f *File) Declares(kind Kind, name string) bool {
	for _, d := range f.documents {
		if d.kind == kind && meta(d.object).Name == name {
			return true
		}
	}
	return false
}
