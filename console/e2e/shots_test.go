package e2e

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// shots makes the pictures of docs/images, among them that of the README:
//
//	go test ./console/e2e -run TestShots -shots ../../docs/images
var shots = flag.String("shots", "", "`directory` for pictures of each page, at three widths, light and dark")

// TestShots takes a picture of each page, at three widths, in light and dark colours.
func TestShots(t *testing.T) {
	if *shots == "" {
		t.Skip("no -shots")
	}
	if err := os.MkdirAll(*shots, 0o755); err != nil {
		t.Fatal(err)
	}
	x := newSite(t, nil)
	x.furnish(t)
	total := 0
	for _, p := range everyPage {
		t.Run(p.name, func(t *testing.T) {
			v := x.show(t, p)
			v.must(v.Wait("new Promise(done => setTimeout(() => done(true), 600))")) // what fades in
			for _, width := range widths {
				v.must(v.Resize(width, map[int64]int64{1440: 900, 768: 900, 390: 780}[width]))
				for _, scheme := range []string{"light", "dark"} {
					v.must(v.Scheme(scheme))
					eval[int](v, scrollsSideways) // it is drawn anew
					picture, err := v.Screenshot()
					v.must(err)
					small, err := quantize(picture)
					v.must(err)
					v.must(os.WriteFile(filepath.Join(*shots, fmt.Sprintf("%s-%d-%s.png", p.name, width, scheme)), small, 0o644))
					total += len(small)
				}
			}
		})
	}
	t.Logf("%d bytes of pictures in %s", total, *shots)
}

// quantize writes a picture with its 128 most frequent colours, of which pages have few.
func quantize(picture []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	counts := make(map[color.RGBA]int)
	b := full.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(full.At(x, y)).(color.RGBA) }
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := at(x, y)
			c.R, c.G, c.B = c.R&^3|2, c.G&^3|2, c.B&^3|2
			counts[c]++
		}
	}
	colors := make([]color.RGBA, 0, len(counts))
	for c := range counts {
		colors = append(colors, c)
	}
	slices.SortFunc(colors, func(a, b color.RGBA) int {
		return cmp.Or(counts[b]-counts[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	var palette color.Palette
	for _, c := range colors[:min(len(colors), 128)] {
		palette = append(palette, c)
	}
	small, nearest := image.NewPaletted(b, palette), make(map[color.RGBA]uint8)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := at(x, y)
			i, ok := nearest[c]
			if !ok {
				i = uint8(palette.Index(c))
				nearest[c] = i
			}
			small.SetColorIndex(x, y, i)
		}
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small)
	return out.Bytes(), err
}
