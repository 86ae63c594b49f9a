"""What refusals say in other languages than English, as mail systems translate what RFC 5321 and RFC 3463 name. Asked
last of the words, in the form of `words`."""

from __future__ import annotations

RULES = """
mailbox_full gmx
  postfach * voll | postfach des empfängers * voll | speicherplatz * erschöpft | kapazität * erschöpft |
  kontingent * überschritten | kontingent * erschöpft | quota * überschritten | quota erreicht | mailbox voll
mailbox_full orange
  quota dépassé | quota depasse | boîte de réception * pleine | boîte * saturée | boite * saturee | boite * pleine |
  espace de stockage * insuffisant
mailbox_full rfc5321
  buzón * lleno | buzon * lleno | cuota excedida | cuota superada | cuota * excedid | casilla llena | caixa * cheia |
  cota excedida | quota excedida | cota * excedid | casella * piena | quota superata | spazio * esaurito |
  skrzynka * pełna | skrzynka * przepełniona | skrzynka * zapełniona | przekroczon * limit * skrzynk | schránka * plná |
  schránka plná | postbus * vol | mailbox is vol | posta kutusu dolu | posta kutusu * dolu | kota aşıldı
mailbox_full mailru
  ящик * переполнен | ящик заполнен | превышена квота | превышен * квот | квота превышена | превышен * размер ящика |
  поштова скринька переповнена
mailbox_full qq
  邮箱空间不足 | 邮箱容量 | 空间不足 | 信箱已满 | 邮箱已经满 | 郵箱已滿 | 信箱已滿 | 空間不足
mailbox_full rfc5321
  ボックスがいっぱい | ボックスの容量 | 용량이 초과 | 용량 초과 | 편지함이 가득 | 메일함이 가득
mailbox_inactive gmx
  konto * deaktiviert | konto * gesperrt | postfach * deaktiviert | postfach * gesperrt | benutzer * gesperrt |
  konto * inaktiv
mailbox_inactive orange
  compte * désactivé | compte * desactive | compte * suspendu | compte * bloqué | compte * fermé | compte * inactif |
  boîte * désactivée | boîte * suspendue
mailbox_inactive rfc5321
  cuenta * desactivada | cuenta * suspendida | cuenta * bloqueada | cuenta * deshabilitada | cuenta * inactiva |
  buzón * deshabilitado | conta * desativada | conta * suspensa | conta * bloqueada | conta * inativa |
  conta cancelada | account disabilitato | account sospeso | account disattivato | casella * disabilitata |
  casella * disattivata | casella * sospesa | mailbox disattivata | konto * zablokowane | konto * nieaktywne |
  konto * zawieszone | konto niedostępne | konto niedostepne | schránka * zablokována | hesap * kapalı |
  hesap * devre dışı
mailbox_inactive mailru
  ящик * заблокирован | ящик * отключен | пользователь заблокирован | пользователь отключен | аккаунт заблокирован |
  учетная запись * отключена | учетная запись * заблокирована
mailbox_inactive qq
  用户被锁定 | 帐号被锁定 | 账号被锁定 | 帐户已停用 | 账户已停用 | 帐号已停用 | 账号已停用 | 邮箱已停用 | 邮箱被停用 |
  用户已停用 | 被冻结 | 帳號已停用
domain_unknown rfc5321
  domain existiert nicht | domäne existiert nicht | domain nicht gefunden | domaine inconnu | domaine inexistant |
  domaine n'existe pas | dominio inexistente | dominio no existe | dominio desconocido | domínio inexistente |
  domínio não existe | dominio inesistente | dominio non esiste | dominio sconosciuto | domena nie istnieje |
  doména neexistuje | домен не найден | домен не существует | 域名不存在 | 域名无法解析
sender_invalid rfc5321
  absender ungültig | ungültiger absender | absender unbekannt | expéditeur invalide | expediteur invalide |
  expéditeur inconnu | remitente inválido | remitente no válido | remitente desconocido | remetente inválido |
  remetente desconhecido | mittente non valido | mittente sconosciuto | nieznany nadawca | неверный отправитель |
  отправитель не существует | 发件人不存在 | 发件人地址无效 | 无效的发件人 | 无效发件人
authentication rfc5321
  authentifizierung | authentification | autenticación | autenticacao | autenticação | autenticazione | uwierzytelni |
  аутентификац | 身份验证 | 认证失败 | 验证失败 | 身份驗證
virus rfc5321
  вирус | 病毒 | ウイルス | ウィルス | 바이러스
spam mailru
  спам | признано спамом
spam qq
  垃圾邮件 | 垃圾郵件 | 迷惑メール | スパム | 스팸
rate_limited rfc5321
  zu viele verbindungen | zu viele nachrichten | zu viele mails | limite * de envio | limite maximo de envio |
  limite máximo de envio | límite de envío | demasiadas conexiones | demasiados mensajes | demasiados correos |
  muitas conexões | muitas mensagens | troppe connessioni | troppi messaggi | zbyt wiele połączeń |
  zbyt wiele wiadomości | przekroczono limit | слишком много | превышен лимит | 频率 | 过于频繁 | 頻率 | 超过限制 |
  超出限制 | 发送数量 | 送信数
too_many_recipients rfc5321
  zu viele empfänger | trop de destinataires | demasiados destinatarios | muitos destinatários | troppi destinatari |
  zbyt wielu odbiorców | 收件人过多 | 收件人数量
message_too_large rfc5321
  nachricht ist zu groß | nachricht zu groß | mail zu groß | trop volumineux | trop grand | trop gros |
  demasiado grande | muito grande | troppo grande | dimensione massima | zbyt duża | zbyt duży | te groot |
  příliš velk | слишком больш | превышает * размер | 邮件过大 | 邮件太大 | 超过大小 | 大小超过 | 郵件過大
recipient_unknown gmx
  empfänger * unbekannt | empfänger * nicht gefunden | empfänger existiert nicht | benutzer * nicht gefunden |
  benutzer existiert nicht | adresse existiert nicht | adresse * nicht gefunden | adresse unbekannt |
  niemand unter dieser adresse | ungültige adresse | ungültiger empfänger | ungueltiger empfaenger |
  unbekannte adresse | unbekannter benutzer | unbekannter nutzer | postfach existiert nicht | konto existiert nicht |
  existiert nicht
recipient_unknown orange
  adresse * invalide | destinataire * invalide | destinataire invalide | destinataire inexistant | adresse inexistante |
  compte inexistant | boîte inexistante | boite inexistante | boîte * inconnue | introuvable | n'existe plus |
  utilisateur inexistant | destinataire non trouvé
recipient_unknown rfc5321
  usuario no encontrado | usuario no existe | usuario no válido | destinatario no válido | destinatario no encontrado |
  dirección no válida | dirección inexistente | buzón inexistente | buzón no encontrado | cuenta inexistente |
  cuenta no existe | usuário inexistente | usuário não encontrado | usuario nao encontrado | usuario nao existe |
  destinatário não encontrado | destinatário inválido | endereço não encontrado | endereço inválido |
  caixa * inexistente | conta inexistente | conta não existe | não existe | nao existe | não encontrado |
  utente non trovato | utente inesistente | destinatario errato | indirizzo inesistente | indirizzo non valido |
  indirizzo sconosciuto | casella inesistente | casella non trovata | nie ma takiego | nie istnieje |
  nieznany użytkownik | nieznany uzytkownik | nieznany adresat | nieznany odbiorca | adresat nieznany |
  użytkownik nieznany | neexistuje | uživatel nenalezen | onbekende gebruiker | gebruiker onbekend |
  ontvanger onbekend | bestaat niet | okänd mottagare | finns inte | ukendt modtager | findes ikke |
  kullanıcı bulunamadı | alıcı bulunamadı | bulunamadı | ismeretlen felhasználó | nem létezik | utilizator necunoscut |
  nu există
recipient_unknown mailru
  нет такого пользователя | пользователь неизвестен | неизвестный пользователь | нет такого адреса | адрес не найден |
  ящик не найден | получатель не найден | адресат не найден | не знайдено | не існує | неверный адрес
recipient_unknown netease
  收件人不存在 | 地址不存在 | 帐号不存在 | 账号不存在 | 邮箱不存在 | 找不到 | 无此用户 | 没有此用户 | 無此用戶 |
  無此使用者 | 用戶不存在 | 查無此 | 宛先不明 | 宛先が | 該当するユーザ | 존재하지 않 | 없는 사용자 |
  알 수 없는 사용자 | 수신자를 찾을 수 없
policy rfc5321
  zugriff verweigert | abgelehnt | verweigert | nicht erlaubt | gesperrt | accès refusé | acces refuse |
  message refusé | mail refusé | message rejeté | mail rejete | mail rejeté | rejeté | refusé | non autorisé |
  acceso denegado | mensaje rechazado | correo rechazado | rechazado | no autorizado | no permitido | lista negra |
  acesso negado | mensagem rejeitada | mensagem recusada | rejeitad | recusad | não autorizado | accesso negato |
  messaggio rifiutato | messaggio respinto | rifiutato | respinto | non autorizzato | dostęp zabroniony | odrzucon |
  zablokowan | geweigerd | geblokkeerd | odmítnut | reddedildi | engellendi | доступ запрещен | отклонен | отклонён |
  запрещен | заблокирован | 拒绝 | 拒收 | 被拒 | 黑名单 | 拒絕 | 黑名單 | 拒否 | 受信拒否 | 차단 | 거부
transient rfc5321
  vorübergehend | später erneut | später noch einmal | temporairement | réessayer | essayer plus tard | plus tard |
  temporalmente | inténtelo más tarde | más tarde | temporariamente | tente novamente | mais tarde | temporaneamente |
  riprovare | più tardi | spróbuj później | chwilowo | tymczasowo | later opnieuw | временно | попробуйте позже |
  повторите попытку | 稍后 | 暂时 | 稍後 | 一時的 | 나중에 | 일시적
"""
