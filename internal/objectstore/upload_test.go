package objectstore_test

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"

	"cairn/internal/objectstore"
)

func upload(t *testing.T, s *objectstore.Store, n objectstore.NewUpload) *objectstore.Upload {
	t.Helper()
	n.Bucket = "b"
	u, err := s.CreateUpload(ctx, n)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func putPart(t *testing.T, s *objectstore.Store, u *objectstore.Upload, number int, data, dataKey []byte) objectstore.CompletePart {
	t.Helper()
	p, err := s.PutPart(ctx, objectstore.PutPart{Bucket: u.Bucket, Key: u.Key, UploadID: u.ID, Number: number, Body: bytes.NewReader(data), Size: int64(len(data)), DataKey: dataKey})
	if err != nil {
		t.Fatal(err)
	}
	return objectstore.CompletePart{Number: number, ETag: p.ETag}
}

// An object of parts has their bytes, in the order of their numbers, in any
// range, plain and sealed.
func TestMultipart(t *testing.T) {
	t.Parallel()
	for _, sealed := range []bool{false, true} {
		s := withBucket(t, objectstore.Enabled)
		n := objectstore.NewUpload{Key: "k", Extra: []byte("x"), Attributes: objectstore.Attributes{User: map[string]string{"a": "b"}}}
		var dataKey []byte
		if sealed {
			n.Encryption, dataKey = &objectstore.Encryption{Algorithm: "aws:kms", KeyID: "id"}, bytesOf(9, 32)
		}
		u := upload(t, s, n)
		if again, err := s.Upload(ctx, "b", "k", u.ID); err != nil || !reflect.DeepEqual(again, u) || string(u.Extra) != "x" {
			t.Errorf("the upload is %+v, was %+v (%v)", again, u, err)
		}
		var data []byte
		var list []objectstore.CompletePart
		sums := md5.New()
		for i, size := range []int{frame, 1, 3*frame + 5, 0, 100} {
			part := bytesOf(uint64(i), size)
			putPart(t, s, u, 10*(i+1), bytesOf(99, 50), dataKey) // is replaced
			list = append(list, putPart(t, s, u, 10*(i+1), part, dataKey))
			sum := md5.Sum(part)
			sums.Write(sum[:])
			data = append(data, part...)
		}
		putPart(t, s, u, 7, bytesOf(98, 50), dataKey) // is not used
		parts, more, err := s.Parts(ctx, "b", "k", u.ID, 7, 3)
		if err != nil || !more || len(parts) != 3 || parts[0].Number != 10 || parts[2].Size != 3*frame+5 {
			t.Errorf("parts are %+v, more %v (%v)", parts, more, err)
		}
		noDamage(t, s)
		c := objectstore.Complete{Bucket: "b", Key: "k", UploadID: u.ID, Parts: list, MinPartSize: -1,
			Checksums: func(p []objectstore.PartInfo) ([]objectstore.Checksum, error) {
				return []objectstore.Checksum{{Algorithm: fmt.Sprint(len(p)), Composite: true}}, nil
			}}
		o, err := s.Complete(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%x-5", sums.Sum(nil)); o.ETag != want || o.Size != int64(len(data)) || o.User["a"] != "b" || o.Checksums[0].Algorithm != "5" {
			t.Errorf("the object is %+v, want ETag %s", o, want)
		}
		again, err := s.Complete(ctx, c)
		if err != nil || !reflect.DeepEqual(again, o) {
			t.Errorf("completed again: %+v, first %+v (%v)", again, o, err)
		}
		head, err := s.Head(ctx, ref("k", ""))
		if err != nil || !reflect.DeepEqual(head, o) || head.Parts[2].Offset != frame+1 || head.Parts[4].Number != 50 {
			t.Errorf("head is %+v, want %+v (%v)", head, o, err)
		}
		content, err := s.Open(ctx, ref("k", ""))
		if err != nil {
			t.Fatal(err)
		}
		if err := content.Unlock(dataKey); err != nil {
			t.Fatal(err)
		}
		for _, from := range []int{0, 1, frame - 1, frame, frame + 1, frame + 2, 2 * frame, len(data) - 101, len(data) - 100, len(data) - 1} {
			for _, n := range []int{1, 2, 100, frame, len(data)} {
				got, err := io.ReadAll(io.NewSectionReader(content, int64(from), int64(n)))
				if err != nil || !bytes.Equal(got, data[from:min(len(data), from+n)]) {
					t.Errorf("sealed %v: bytes %d+%d are wrong (%v)", sealed, from, n, err)
				}
			}
		}
		content.Close()
		noDamage(t, s)
		put(t, s, "k", []byte("newer"))
		_, err = s.Complete(ctx, c)
		wantErr(t, err, objectstore.ErrNoSuchUpload)
		if st, _ := s.Stats(ctx); st.Uploads != 0 || st.Objects != 2 {
			t.Errorf("stats %+v", st)
		}
	}
}

func TestCompleteFaults(t *testing.T) {
	t.Parallel()
	s := withBucket(t, objectstore.Unversioned)
	u := upload(t, s, objectstore.NewUpload{Key: "k"})
	one, two := putPart(t, s, u, 1, []byte("one"), nil), putPart(t, s, u, 2, []byte("two"), nil)
	wrong := two
	wrong.ETag = one.ETag
	for _, c := range []struct {
		parts []objectstore.CompletePart
		want  objectstore.PartFault
	}{
		{nil, objectstore.PartNone},
		{[]objectstore.CompletePart{two, one}, objectstore.PartOrder},
		{[]objectstore.CompletePart{one, one}, objectstore.PartOrder},
		{[]objectstore.CompletePart{one, wrong}, objectstore.PartWrongETag},
		{[]objectstore.CompletePart{one, two, {Number: 3}}, objectstore.PartMissing},
		{[]objectstore.CompletePart{one, two}, objectstore.PartTooSmall},
	} {
		size := int64(0)
		if c.want != objectstore.PartTooSmall {
			size = 1
		}
		_, err := s.Complete(ctx, objectstore.Complete{Bucket: "b", Key: "k", UploadID: u.ID, Parts: c.parts, MinPartSize: size})
		var fault *objectstore.PartError
		if !errors.As(err, &fault) || fault.What != c.want {
			t.Errorf("%v: the error is %v, want %s", c.parts, err, c.want)
		}
	}
	put(t, s, "k", nil)
	c := objectstore.Complete{Bucket: "b", Key: "k", UploadID: u.ID, Parts: []objectstore.CompletePart{one}, IfNoneMatch: true}
	_, err := s.Complete(ctx, c)
	wantErr(t, err, objectstore.ErrPrecondition)
	stop := errors.New("no")
	c.IfNoneMatch, c.Checksums = false, func([]objectstore.PartInfo) ([]objectstore.Checksum, error) { return nil, stop }
	_, err = s.Complete(ctx, c)
	wantErr(t, err, stop)
	other := "A" + u.ID[1:]
	if other == u.ID {
		other = "B" + u.ID[1:]
	}
	for _, id := range []string{"", "x", other, "null"} {
		wantErr(t, s.Abort(ctx, "b", "k", id), objectstore.ErrNoSuchUpload)
	}
	wantErr(t, s.Abort(ctx, "b", "other", u.ID), objectstore.ErrNoSuchUpload)
	if err := s.Abort(ctx, "b", "k", u.ID); err != nil {
		t.Error(err)
	}
	_, err = s.PutPart(ctx, objectstore.PutPart{Bucket: "b", Key: "k", UploadID: u.ID, Number: 1})
	wantErr(t, err, objectstore.ErrNoSuchUpload)
	_, _, err = s.Parts(ctx, "b", "k", u.ID, 0, 10)
	wantErr(t, err, objectstore.ErrNoSuchUpload)
	noDamage(t, s)
}

// Uploads are listed by key, and by age within a key.
func TestUploads(t *testing.T) {
	t.Parallel()
	s := withBucket(t, objectstore.Unversioned)
	var want []string
	for _, key := range []string{"a", "a", "a", "b/1", "b/2", "c"} {
		want = append(want, upload(t, s, objectstore.NewUpload{Key: key}).ID)
	}
	for size := 1; size < 8; size++ {
		var got []string
		q := objectstore.UploadsQuery{Bucket: "b", MaxUploads: size}
		for {
			page, err := s.Uploads(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range page.Uploads {
				got = append(got, u.ID)
			}
			if !page.Truncated {
				break
			}
			q.KeyMarker, q.UploadIDMarker = page.NextKeyMarker, page.NextUploadIDMarker
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("pages of %d: %v, want %v", size, got, want)
		}
	}
	page, err := s.Uploads(ctx, objectstore.UploadsQuery{Bucket: "b", Delimiter: "/", KeyMarker: "a", MaxUploads: 2})
	if err != nil || len(page.Uploads) != 1 || len(page.Prefixes) != 1 || page.Prefixes[0] != "b/" || page.Truncated {
		t.Errorf("with a delimiter: %+v (%v)", page, err)
	}
}
