// SPDX-License-Identifier: MIT

// gosmtp_server DIR PKI USER PASSWORD MAX_BYTES MAX_RECIPIENTS STARTTLS SUBMISSIONS FEW LMTP: go-smtp at four ports.
//
// The first two want AUTH, after STARTTLS and with implicit TLS; the others take everybody, in the clear, FEW no more
// than MAX_RECIPIENTS at once.  Each message becomes DIR/mail/N.eml and DIR/mail/N.json: {"from", "params",
// "recipients": [{"address", "params"}]}; go-smtp shows no parameter but SIZE, SMTPUTF8 and REQUIRETLS.  The log says
// who sent AUTH and MAIL.
package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

var directory, user, password = os.Args[1], os.Args[3], os.Args[4]
var number int64

func refusal(code int, class, subject, detail int, text string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, subject, detail}, Message: text}
}

var senders = map[string]*smtp.SMTPError{
	"reject": refusal(550, 5, 7, 1, "Sender rejected"),
	"later":  refusal(451, 4, 7, 1, "Try later"),
}
var recipients = map[string]*smtp.SMTPError{
	"nobody": refusal(550, 5, 1, 1, "No such user here"),
	"grey":   refusal(450, 4, 7, 1, "Greylisted, try again later"),
	"full":   refusal(452, 4, 2, 2, "Mailbox full"),
	"huge":   refusal(552, 5, 2, 2, "Quota exceeded"),
}

// LMTP answers for each recipient after the dot.
var afterContent = map[string]*smtp.SMTPError{
	"datafail":  refusal(554, 5, 6, 0, "Content refused"),
	"datalater": refusal(451, 4, 6, 0, "Content deferred"),
}

func look(in map[string]*smtp.SMTPError, address string) error {
	if found := in[strings.SplitN(address, "@", 2)[0]]; found != nil {
		return found
	}
	return nil
}

type recipient struct {
	Address string            `json:"address"`
	Params  map[string]string `json:"params"`
}

type envelope struct {
	From       string            `json:"from"`
	Params     map[string]string `json:"params"`
	Recipients []recipient       `json:"recipients"`
}

type session struct{ envelope envelope }

func (s *session) Reset()        { s.envelope = envelope{} }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, options smtp.MailOptions) error {
	log.Print("mail")
	params := map[string]string{}
	if options.Size != 0 {
		params["SIZE"] = strconv.Itoa(options.Size)
	}
	if options.UTF8 {
		params["SMTPUTF8"] = ""
	}
	if options.RequireTLS {
		params["REQUIRETLS"] = ""
	}
	s.envelope = envelope{From: from, Params: params}
	return look(senders, from)
}

func (s *session) Rcpt(to string) error {
	if err := look(recipients, to); err != nil {
		return err
	}
	s.envelope.Recipients = append(s.envelope.Recipients, recipient{to, map[string]string{}})
	return nil
}

func store(content []byte, envelope envelope) error {
	name := filepath.Join(directory, "mail", fmt.Sprint(atomic.AddInt64(&number, 1)))
	text, err := json.Marshal(envelope)
	if err == nil {
		err = os.WriteFile(name+".json", text, 0644)
	}
	if err == nil {
		err = os.WriteFile(name+".new", content, 0644)
	}
	if err == nil {
		err = os.Rename(name+".new", name+".eml")
	}
	return err
}

func (s *session) Data(reader io.Reader) error {
	content, err := io.ReadAll(reader)
	if err == nil {
		err = store(content, s.envelope)
	}
	return err
}

func (s *session) LMTPData(reader io.Reader, status smtp.StatusCollector) error {
	content, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	taken := s.envelope
	taken.Recipients = []recipient{}
	for _, to := range s.envelope.Recipients {
		if err := look(afterContent, to.Address); err != nil {
			status.SetStatus(to.Address, err)
		} else {
			taken.Recipients = append(taken.Recipients, to)
		}
	}
	return store(content, taken)
}

type backend struct{ auth bool }

func (b backend) Login(_ *smtp.ConnectionState, name, secret string) (smtp.Session, error) {
	log.Print("auth")
	if name != user || secret != password {
		return nil, refusal(535, 5, 7, 8, "Authentication failed")
	}
	return &session{}, nil
}

func (b backend) AnonymousLogin(_ *smtp.ConnectionState) (smtp.Session, error) {
	if b.auth {
		return nil, refusal(530, 5, 7, 0, "Authentication required")
	}
	return &session{}, nil
}

func asNumber(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func server(auth bool) *smtp.Server {
	back := backend{auth}
	s := smtp.NewServer(back)
	s.Domain = "mail.example.test"
	s.MaxMessageBytes = asNumber(os.Args[5])
	s.EnableSMTPUTF8 = true
	s.EnableREQUIRETLS = true
	s.AuthDisabled = !auth
	s.EnableAuth(sasl.Login, func(conn *smtp.Conn) sasl.Server {
		return sasl.NewLoginServer(func(name, secret string) error {
			state := conn.State()
			session, err := back.Login(&state, name, secret)
			if err == nil {
				conn.SetSession(session)
			}
			return err
		})
	})
	return s
}

func serve(port string, s *smtp.Server, implicit *tls.Config) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	if implicit != nil {
		listener = tls.NewListener(listener, implicit)
	}
	log.Fatal(s.Serve(listener))
}

func main() {
	pki := os.Args[2]
	pair, err := tls.LoadX509KeyPair(filepath.Join(pki, "server.crt"), filepath.Join(pki, "server.key"))
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	starttls, submissions, few, lmtp := server(true), server(true), server(false), server(false)
	starttls.TLSConfig = config
	few.MaxRecipients = asNumber(os.Args[6])
	lmtp.LMTP = true
	go serve(os.Args[7], starttls, nil)
	go serve(os.Args[8], submissions, config)
	go serve(os.Args[9], few, nil)
	serve(os.Args[10], lmtp, nil)
}
