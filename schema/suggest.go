package schema

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// didYouMean is the hint that names the candidate nearest to a word that nobody knows, or "" if none is near: at most
// one edit for two letters and three in all, and letters that differ in case only count for nothing.
func didYouMean(word string, candidates []string) string {
	if len(word) > longest {
		return ""
	}
	best, distance := "", min(3, (len(word)+1)/2)+1
	for _, c := range candidates {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(c)); d < distance {
			best, distance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %s?", best)
}
