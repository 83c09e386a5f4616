// Checks the custody of an evidence package with the Go project's own implementation of signed notes and transparent
// logs: the checkpoint under its key, and every proof of every entry under the checkpoint. The one argument is the
// package's folder. Prints how many entries there were.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type line struct {
	Seq        int64  `json:"seq"`
	At         string `json:"at"`
	Kind       string `json:"kind"`
	Commitment string `json:"commitment"`
	Opening    *struct {
		Salt    string          `json:"salt"`
		Payload json.RawMessage `json:"payload"`
	} `json:"opening"`
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func read(parts ...string) []byte {
	bytes, err := os.ReadFile(filepath.Join(parts...))
	must(err)
	return bytes
}

// head opens the checkpoint: its size and root.
func head(folder string) (int64, tlog.Hash, []byte) {
	var key struct {
		Vkey string `json:"vkey"`
	}
	must(json.Unmarshal(read(folder, "data", "ledger-key.json"), &key))
	verifier, err := note.NewVerifier(key.Vkey)
	must(err)
	signed := read(folder, "data", "checkpoint")
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	if lines[0] != verifier.Name() {
		log.Fatal("the checkpoint is of another ledger")
	}
	return size, root, signed
}

// proof reads a C2SP tlog-proof: the hashes, and the checkpoint behind the empty line.
func proof(path string, seq int64, checkpoint []byte) tlog.RecordProof {
	text := read(path)
	top, rest, found := bytes.Cut(text, []byte("\n\n"))
	if !found || !bytes.Equal(rest, checkpoint) {
		log.Fatalf("%s: another checkpoint", path)
	}
	lines := strings.Split(string(top), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != fmt.Sprintf("index %d", seq) {
		log.Fatalf("%s: not its proof", path)
	}
	var hashes tlog.RecordProof
	for _, hash := range lines[2:] {
		parsed, err := tlog.ParseHash(hash)
		must(err)
		hashes = append(hashes, parsed)
	}
	return hashes
}

// opens says whether the payload is what the leaf commits to. The payload stands in the file in its canonical form.
func opens(entry line) {
	salt, err := hex.DecodeString(entry.Opening.Salt)
	must(err)
	digest := sha256.New()
	digest.Write([]byte("earwitness-ledger-v1\x00"))
	digest.Write(salt)
	digest.Write(entry.Opening.Payload)
	if hex.EncodeToString(digest.Sum(nil)) != entry.Commitment {
		log.Fatalf("entry %d commits to something else: %s", entry.Seq, base64.StdEncoding.EncodeToString(entry.Opening.Payload))
	}
}

func main() {
	folder := os.Args[1]
	size, root, checkpoint := head(folder)
	lists, err := filepath.Glob(filepath.Join(folder, "data", "*", "custody.jsonl"))
	must(err)
	count := 0
	for _, list := range lists {
		scanner := bufio.NewScanner(bytes.NewReader(read(list)))
		scanner.Buffer(nil, 1<<24)
		for scanner.Scan() {
			var entry line
			must(json.Unmarshal(scanner.Bytes(), &entry))
			leaf := fmt.Sprintf(`{"at":"%s","commitment":"%s","kind":"%s","seq":%d}`, entry.At, entry.Commitment, entry.Kind, entry.Seq)
			path := filepath.Join(filepath.Dir(list), "custody", fmt.Sprintf("%d.tlog-proof", entry.Seq))
			must(tlog.CheckRecord(proof(path, entry.Seq, checkpoint), size, root, entry.Seq, tlog.RecordHash([]byte(leaf))))
			if entry.Opening != nil {
				opens(entry)
			}
			count++
		}
		must(scanner.Err())
	}
	fmt.Println(count)
}
