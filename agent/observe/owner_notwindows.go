//go:build !windows

package observe

func owner(string) (string, error) { return "", nil }
