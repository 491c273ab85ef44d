package objectstore_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"cairn/internal/durable"
	"cairn/internal/objectstore"
)

const mebibyte = 1 << 20

// BenchmarkPut compares puts of 1 MiB with what the disk does at best: a file
// written and synced, and nothing more. Run all of it at once: the disk of one
// minute is not that of the next.
func BenchmarkPut(b *testing.B) {
	data := bytesOf(1, mebibyte)
	for _, writers := range []int{1, 8} {
		b.Run(fmt.Sprintf("raw/writers=%d", writers), func(b *testing.B) {
			dir := b.TempDir()
			var n atomic.Int64
			b.SetBytes(mebibyte)
			b.SetParallelism((writers + 1) / 2)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					f, err := durable.OS.OpenFile(filepath.Join(dir, fmt.Sprint(n.Add(1))), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
					if err == nil {
						_, err = f.WriteAt(data, 0)
					}
					if err == nil {
						err = f.Sync()
					}
					if err == nil {
						err = f.Close()
					}
					if err != nil {
						b.Error(err)
					}
				}
			})
		})
		for _, sealed := range []bool{false, true} {
			b.Run(fmt.Sprintf("put/writers=%d/sealed=%v", writers, sealed), func(b *testing.B) {
				s := benchStore(b)
				var n atomic.Int64
				b.SetBytes(mebibyte)
				b.SetParallelism((writers + 1) / 2)
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						benchPut(b, s, fmt.Sprint(n.Add(1)), data, sealed)
					}
				})
			})
		}
	}
}

// BenchmarkGet compares gets of 1 MiB, which the page cache holds, with the
// file read as it is.
func BenchmarkGet(b *testing.B) {
	data := bytesOf(1, mebibyte)
	b.Run("raw", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "f")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(mebibyte)
		buf := make([]byte, frame)
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, buf)
			f.Close()
		}
	})
	for _, sealed := range []bool{false, true} {
		b.Run(fmt.Sprintf("get/sealed=%v", sealed), func(b *testing.B) {
			s := benchStore(b)
			benchPut(b, s, "k", data, sealed)
			b.SetBytes(mebibyte)
			b.ResetTimer()
			for b.Loop() {
				c, err := s.Open(ctx, ref("k", ""))
				if err == nil {
					err = c.Unlock(bytesOf(9, 32))
				}
				if err == nil {
					_, err = c.WriteTo(io.Discard)
				}
				if err != nil {
					b.Fatal(err)
				}
				c.Close()
			}
		})
	}
}

// BenchmarkSmall shows what the size up to which content lies inline is for.
func BenchmarkSmall(b *testing.B) {
	for _, size := range []int{4 << 10, 4<<10 + 1} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := benchStore(b)
			data := bytesOf(1, size)
			var n atomic.Int64
			b.SetParallelism(4)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					benchPut(b, s, fmt.Sprint(n.Add(1)), data, false)
				}
			})
		})
	}
}

func benchStore(b *testing.B) *objectstore.Store {
	s, err := objectstore.Open(objectstore.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	if _, err := s.CreateBucket(ctx, objectstore.NewBucket{Name: "b"}); err != nil {
		b.Fatal(err)
	}
	return s
}

func benchPut(b *testing.B, s *objectstore.Store, key string, data []byte, sealed bool) {
	p := objectstore.Put{Bucket: "b", Key: key, Body: bytes.NewReader(data), Size: int64(len(data))}
	if sealed {
		p.Encryption, p.DataKey = &objectstore.Encryption{Algorithm: "AES256"}, bytesOf(9, 32)
	}
	if _, err := s.Put(ctx, p); err != nil {
		b.Error(err)
	}
}
