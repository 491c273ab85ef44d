package console

import (
	"embed"
	"io/fs"
)

// dist is what the build of the pages writes; .ci/run compares it with its source.
//
//go:embed web/dist
var dist embed.FS

// Assets returns the pages that are part of the program.
func Assets() fs.FS {
	files, err := fs.Sub(dist, "web/dist")
	if err != nil {
		panic(err) // the directive above is not of this package
	}
	return files
}
