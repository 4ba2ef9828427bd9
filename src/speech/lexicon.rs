//! Words whose sound no rule of letters can tell, each list under the article of 표준 발음법 that it belongs to.
//!
//! A word stands here as it is written, with a mark where its parts meet in a way of their own: `'` the next consonant is tense (평'가 평까; `^`: behind ㄹ only),
//! `+` a ㄴ is added (색+연필 생년필), `|` the parts meet as two words do (맛|없다 마덥따), `/` ㄹ becomes ㄴ (생산/력 생산녁). `=` gives another spelling
//! that the rules go on with. `-` behind a word: any ending may follow; before it: a suffix of known words.
//!
//! 대가 is 대까, and 대가족 is not: a word counts only where words begin, at the start of what stands between spaces or behind other
//! known words (`PLAIN`), and only before a particle, an ending or another known word. What is unsure is left as the letters say.

use crate::speech::hangul::Syllable;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What happens where a syllable meets the one before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mark {
    /// What the letters say.
    #[default]
    None,
    /// 26, 28: the consonant is tense.
    Tense,
    /// 29: a ㄴ is added.
    Nieun,
    /// 15: the two meet as two words do.
    Seam,
    /// 26: tense behind a ㄹ.
    TenseBehindRieul,
    /// 20: ㄹ behind ㄴ becomes ㄴ.
    Nasal,
}

/// 10, 11, 13–17: single words, and compounds whose parts stay apart.
const COMPOUNDS: &str = "
맏|형 넓죽-=넙쭉 넓둥글-=넙뚱글 넓적-=넙쩍 넓적다리=넙쩍다리 맛|없- 맛있-=마싰 멋있-=머싰 멋|없- 겉|옷 헛|웃음 값|어치 젖|어미 값|있- 첫|인상 몇|월 끝|없- 낱|알 웃|옷 부엌|안
값|없- 뜻|있- 뜻|없- 첫|아이 첫|인사 웃|어른 옷|안
디귿이=디그시 디귿을=디그슬 디귿에=디그세 지읒이=지으시 지읒을=지으슬 지읒에=지으세 치읓이=치으시 치읓을=치으슬 치읓에=치으세
키읔이=키으기 키읔을=키으글 키읔에=키으게 티읕이=티으시 티읕을=티으슬 티읕에=티으세 피읖이=피으비 피읖을=피으블 피읖에=피으베
히읗이=히으시 히읗을=히으슬 히읗에=히으세
";

/// 20: ㄴ that stays beside ㄹ in Sino-Korean words.
const NASAL_STAYS: &str = "
의견/란 임진/란 생산/량 결'단/력 공'권/력 동원/령 상견/례 횡단/로 이원/론 입원/료 구근/류 생산/력 판단/력 추진/력 음운/론 보존/료 등산/로 통신/란 공신/력
일원/론 다원/론 회전/력 출연/료 발전/량=발쩐냥 온라인=온나인 인라인=인나인
-/력 -/량 -/란 -/론 -/료
";

/// 24: stems in ㄴ and ㅁ. 신고 is left out: 申告 is said far more often to callers than what one does with shoes.
const STEMS: &str = "
껴안'고- 껴안'다- 껴안'지- 감'고- 감'다- 더듬'고- 더듬'지- 더듬'다- 다듬'고- 다듬'지- 다듬'다- 머금'고- 남'고- 남'지- 남'습- 남'게- 남'다-
참'지- 참'다- 참'습- 숨'고- 숨'지- 숨'다- 담'고- 담'지- 담'다- 담'습- 담'게- 삼'고- 삼'지- 삼'다- 삼'습- 넘'고- 넘'지- 넘'게- 넘'다- 넘'습- 품'고- 품'지- 품'다-
";

/// 26: Sino-Korean ㄹ makes ㄷ, ㅅ, ㅈ tense; not where a syllable is doubled (절절하다), nor in a handful of others.
const SINO_RIEUL: &str = "
갈'등 발'동 절'도 말'살 불'소 일'시 일'시불 갈'증 물'질 발'전 발'전기 발'전소 몰'상식 불'세출 결'정 결'정권=결쩡꿘 결'제 결'재 활'동 설'정 실'적 실'시 실'수 달'성 필'수 출'장
일'정 일'정표 철'도 열'정 절'정 실'제 실'정 질'서 설'득 결'단 결'산 결'산서 결'심 결'석 결'손 출'석 출'석부 출'신 출'생 출'시 출'자 출'자금 출'제 출'산 출'동 발'달
발'산 발'생 발'생률 발'송 발'신 발'신자 발'주 발'주처 활'성 활'성화 절'세 절'수 절'전 절'제 밀'접 밀'집 별'도 별'지 별'정 불'신 불'순 불'시 실'사 실'습 실'습생 실'직 실'직자
실'존 실'증 열'사 열'성 일'단 일'동 일'등 일'등급 일'상 일'선 일'주 일'주일 일'제 일'종 일'조 일'절 필'살 필'지 필'자 필'승 할'당 할'증 월'세 월'정 멸'종 멸'시
술'수 철'수 철'저 철'저히 철'제 질'소 질'주 질'적 탈'세 탈'수 탈'진 혈'당 혈'세 홀'수 활'자 설'사 물'증 물'자 물'적 골'절 걸'작 벌'점 굴'지 골'자 골'수
월'정액 본질'적 개별'적 기술'적 실'질 현실'적 법률'상 사실'상 발'제 결'성 결'속 결'실 결'승 결'점=결쩜 설'전 실'세 실'종
절'단 절'대 절'대적 절'실 절'사 불'소화 불'식 물'산 물'색 멸'실 말'소 말'단 열'정적 밀'도 밀'수 밀'사 밀'실 발'족 발'진 발'단
일'지 일'자 일'시적 일'시금 일'신 일'소 월'동 월'등 월'식 출'세 출'전 출'정 출'생지 출'생률 탈'당 탈'선 탈'주 팔'자 필'적 활'주로 활'성도 벌'집
일'대 일'대일 일'대일로 출'소 출'정식 출'제자 골'동 골'동품 굴'절 굴'종
칠'십 팔'십 칠'조 팔'조 칠'월칠석=치뤌칠썩
삼일'절 재설'정 재발'송 재발'주 미발'송 미결'제 미결'재 선결'제 후결'제
-^적
";

/// 28 and Sino-Korean words that are tense without a rule (문법 무뻡, 조건 조껀).
const TENSED: &str = "
줄넘'기 문'고리 문'법 눈'동자 신'바람 산'새 손'재주 길'가 물'동이 발'바닥 굴'속 술'잔 바람'결 그믐'달 아침'밥 잠'자리 강'가 초승'달 등'불 창'살 강'줄기 눈'길 손'등 산'길 봄'비
손'가락 발'가락 창'가 물'고기 밀'가루 쌀'가게 일'거리 볼'거리 먹을'거리 용'돈 빵'집 술'집 물'집 논'둑 밤'길 손'수건 길'거리 들'길 열'쇠 글'자 글'귀 눈'빛 별'빛 달'빛
불'빛 말'소리 물'소리 안'방 움'집 산'자락 산'줄기 땅'값 물'값 몸'속 마음'속 가슴'속 봄'바람 산'불 들'불 전등'불 장'바구니 촌'구석
평'가 평'가표 평'가서 평'가원 평'가사 단'가 원'가 정'가 물'가 대'가 시'가총액 시'가표준액 감정'가 분양'가 저'가 최저'가 최고'가 공시지'가 전세'가 매매'가 낙찰'가 예정'가 입찰'가
판매'가 할인'가 도매'가 소매'가 수출'가 공급'가 공급'가액 유'가 주'가 호'가
조'건 요'건 문'건 안'건 사'건 용'건 인'건비 무조'건
특허'권 상품'권 상표'권 저작'권 소유'권 영업'권 사용'권 의결'권 여'권 인'권 채'권 증'권 정'권 이'권 주'권 담보'권 우선'권 입장'권 구매'권 이용'권 할인'권 경영'권 선택'권 재산'권
승차'권 숙박'권 회원'권 복'권 투표'권 참정'권 선거'권 산업재산'권 지식재산'권 디자인'권 실용신안'권 실'시권=실씨꿘 판'권 교'권 수도'권 -'권
성'과 성'과급 성'과금 성'과물 내'과 외'과 치'과 안'과 이'과 문'과 소아'과 피부'과 정신'과 산부인'과 이비인후'과 정형외'과 총무'과=총무꽈 학'과
초'점 장'점 단'점 문제'점 관'점 시'점 요'점 공통'점 차이'점 이'점 주안'점 허'점 개선'점 유의'점 강'점 원'점 쟁점=쟁쩜 기준'점 출'발점=출발쩜 맹'점 중'점 평'점
소수'점 배'점 감'점 만'점 가산'점 가'점
문'자 한'자 숫자=수짜 점'자 우물정'자 갈지'자=갈찌짜 큰대'자
헌'법 민'법 상'법 세'법 형'법 노동'법 공'법 용'법 비'법 해'법 화'법 소송'법 관세'법 소득세'법 법인세'법 부가가치세'법 근로기준'법 중소기업기본'법
면허'증 신분'증 허가'증 인허가'증 보험'증 회원'증 사원'증 확인'증 학생'증 수료'증 사'증 인가'증
가능'성 안정'성 안전'성 생산'성 전문'성 신뢰'성 독창'성 공공'성 일관'성 시장'성 필요'성 유동'성 투명'성 공정'성 다양'성 효율'성 편의'성 타당'성 중요'성 연관'성 접근'성 유용'성 우수'성
경제'성 사회'성 창의'성 기술'성 확장'성 관련'성 상품'성 수용'성 위험'성 적정'성 형평'성 활용'성 혁신'성 개연'성 방향'성 차별'성 특수'성 호환'성 대표'성 민감'성 급'성=급썽 -'성

인'적자원 인'적사항 인'적자본 내'적 양'적 공'적자금 공'적연금=공쩡년금 동'적 수'적 심'적 인'기=인끼 성'격=성껵 인'격=인껵
갑상선=갑쌍선 맹'장염=맹장념 인'기도=인끼도 성'격상=성껵쌍 품'격=품껵
열'두- 열'둘- 열'세- 열'셋- 열'다섯- 안'감 옷'감 땔'감 물감=물깜 장난'감 일'감
산'골 비빔'밥 아침'상=아침쌍 보름'달 밤'거리 안'주인=안쭈인 가을'비=가을삐 여름'비=여름삐 겨울'비 금'값 손'바닥 손'짓 몸'짓 눈'짓
신용'장 추천'장 초청'장 위임'장 졸업'장 감사'장 임명'장 연하'장 표창'장 소환'장

";

/// 29: an added ㄴ; and the words that have none.
const ADDED: &str = "
솜+이불 홑+이불 막+일 삯+일 맨+입 꽃+잎 내복+약 한+여름 남존+여비 신+여성 색+연필 직행+열차 늑막+염 콩+엿 담+요 눈+요기 식용+유 밤+윷 국민+윤리 검+열 금+융 이죽+이죽 야금+야금 욜랑+욜랑
들+일 솔+잎 설+익- 물+약 불+여우 물+엿 휘발+유 유들+유들 백분+율 불문+율 영업+용 공업+용 농업+용 상업+용 산업+용 사업+용 학습+용 연습+용 시험+용 가정+용 차량+용 개인+용
국민+연금 공무원+연금 퇴직+연금 개인+연금 군인+연금 서민금+융 논+일 밭+일 부엌+일 집안+일 앞+일 안팎+일 낯+익- 옛+이야기 첫+여름 늦+여름 알+약 두통+약 소독+약 관절+염
뒷+일 깻+잎 베갯+잇 나뭇+잎 도리깻+열 뒷+윷 댓+잎 훗+일 예삿+일 가욋+일 사삿+일 서른+여섯- 서른+여덟- 열+여섯- 열+여덟- 스물+여섯- 스물+여덟- 마흔+여섯- 마흔+여덟- 쉰+여섯- 쉰+여덟-
예순+여섯- 예순+여덟- 일흔+여섯- 일흔+여덟- 여든+여섯- 여든+여덟- 아흔+여섯- 아흔+여덟- 일+연대 삼+연대 칠+연대 팔+연대 육+연대
서울+역 강남+역 시청+역 대전+역 부산+역 용산+역 수원+역 전철+역 지하철+역 신혼+여행 수학+여행 신+연도
산업기능+요원 기능+요원 인력+양성 색+유리 판+유리 연+이율 순+이익 밤+이슬
전문+용어 생활+용품
-+용
";

/// 30: 사이시옷 in syllables that are written so elsewhere, too; the others are known by [`is_sai_siot`].
const SAI_SIOT: &str = "
횟수=회쑤 곳간=고깐 셋방=세빵 전셋집=전세찝 셋집=세찝 깃발=기빨 깃대=기때 최솟값=최소깝 기댓값=기대깝 고갯짓=고개찓 빨랫줄=빨래쭐 바닷가=바다까 나룻배=나루빼 맷돌=매똘 찻집=차찝 모깃불=모기뿔
조갯살=조개쌀 핏대=피때 햇볕=해뼏 나뭇가지=나무까지 귓밥=귀빱 머릿속=머리쏙 머릿돌=머리똘 장맛비=장마삐 등굣길=등교낄 하굣길=하교낄 출셋길=출쎄낄
";

/// Words that sound as their letters say: where they end, the next one begins. Much of the talk of 1357 and of public offices.
const PLAIN: &str = "
가구 가능 가맹 가맹점 가상 가입 가족 감성 강원 강의 개발 개선 개설 개성 개월 개인 개최 갱신 거래 건강 건설 검사 검색 검증 검토
견적 결과 경기 경남 경력 경북 경영 경쟁 경제 계약 계좌 계획 고객 고시 고용 고용노동부 공간 공감 공고 공공 공급 공단 공동 공모
공무원 공사 공시 공신 공업 공용 공유 공장 공정 공제 공증 공휴일 과세 과정 과제 과학 관련 관리 관세 관심 광고 광주 교류 교수
교육 교환 구근 구매 구성 구입 구직 구축 국가 국내 국민 국세 국제 권고 권리 권역 권한 규모 규정 규제 근로 근로자 글로벌 금액
금요일 금지 급증 기간 기계 기관 기능 기록 기반 기본 기부 기술 기업 기업인 기준 기타 기획 나눔 남성 납부 노동 노란 노란우산 녹음
농업 누적 능력 다모아 다문화 단계 단말 단체 담당 담당자 담보 당사자 대가족 대구 대기업 대리 대리점 대비 대상 대상자 대전 대출
대표 대학 대회 도매 도시 도움 도입 동네 동반 동반자 동원 등록 등산 디자인 디지털 마감 마련 만족 매장 매출 면세 면세점 면적 면접
면허 명단 모바일 모집 목요일 목적 목표 무료 무상 무역 문서 문의 문화 물가지수 물론 물류 물품 미래 미래창조과학부 민간 민원 바우처
바이어 박람회 반도체 반영 발표 방문 방법 방식 방안 방지 배달 배송 백화점 벤처 변경 변호사 별표 보급 보안 보완 보장 보조 보증
보험 보호 보호자 복지 본사 본인 부가 부가세 부담 부동산 부문 부산 부서 부품 분기 분석 분야 분쟁 비교 비대면 비밀번호 비용
비즈니스 사업 사업비 사업자 사업장 사용 사용자 사회 산업 산업통상자원부 산학연 상가 상공 상담 상담사 상담센터 상담원 상생 상인 상점
상표 상품 상황 생산 생활 서류 서민 서비스 서울 선발 선정 선택 설계 설립 설명 설명회 설비 설치 성공 성능 성명 성별 성인 성장
성적 세금 세무 세액 세종 센터 소득 소비자 소상공인 소재 소진공 소프트웨어 속성 손실 수당 수수료 수요 수요일 수용 수입 수출 수행
스마트 스타트업 승인 시가 시간 시간대 시설 시스템 시장 시험 신고 신규 신뢰 신설 신용 신제품 신청 신청서 신청인 실물 실업 실패
심사 심의 심층 아이디어 안내 안전 애로 약관 양성 양식 업력 업무 업적 업종 업체 에너지 여성 역량 연결 연계 연구 연구소 연구원
연락 연락처 연령 연수 연습 연장 열람 영세 영수증 영업 예방 예산 예약 예정 오전 오후 온누리 외국 외국인 요원 요청 용도 용어 용역
용지 용품 우산 우수 우편 운영 운용 운전 울산 원스톱 월요일 위원회 유망 유용 유적 유지 융자 융합 은행 음성 음식점 응답 응용 의견
의료 의무 의사 이력 이메일 이상 이용 이용자 이용절차 이원 이월 이자 이전 이하 인력 인사 인용 인원 인재 인증 인증서 인천 인터넷
일반 일부 일요일 일자리 임금 임대 임대료 임진 입력 입원 입주 자격 자금 자동 자료 자문 자원 자재 작성 장비 장소 장애인 재기 재난
재단 재도전 재산 재정 재직 저작 적용 전국 전기 전남 전담 전담팀 전략 전문 전문가 전북 전용 전자 전체 전통 전통시장 전화 전화번호
전환 절감 절차 점검 점포 접속 접수 정보 정부 정성 정책 정책자금 제도 제조 제조업 제주 제출 제품 조건부 조달 조사 조성 조세 조정
조직 조합 종료 종합 주관 주말 주민 주소 주요 준비 중개 중기 중소 중소기업 중소벤처기업 중소벤처기업부 중앙 증가 증명 지급 지방
지사 지성 지식 지역 지원 지원금 지원사업 지원센터 지점 지정 직업 직원 진단 진행 진흥 진흥공단 진흥원 찬성 참가 참고 참여 참여자
창구 창업 창업자 창업자금 창의 창조 채무 채용 책임 처리 철강 청구 청년 체결 체인점 체험 초기 촉진 추가 추적 추진 추천 축적 출력
충남 충북 취득 취업 컨설팅 코로나 콜센터 클라우드 토요일 통상 통상자원 통신 통합 통화 투자 특별 특성 특허 판단 판로 판매 판매점
편의 편의점 평균 평일 폐업 포인트 포털 표준 품질 플랫폼 피해 필요 학교 학생 한국 할인 해외 해지 행사 행정 허용 혁신 현금 현실
현장 현황 협동 협동조합 협력 협약 협업 협의 협회 홈페이지 홍보 화요일 화재 확대 확인 환경 환급 환불 활용 회계 회사 회원 회의
회의실 횡단 효과 후원 훈련 휴게 휴대전화 휴업 휴일
";

/// Single syllables that follow a word and leave it as it is.
const SUFFIXES: &str = "별 형 화 등 내 외 상 하 중 후 전 간 당 측 비 금 액 률 율 서 장 실 원 부 국 청 팀 계 제 품 물 지 처 층 급 표 자 사 군 학 업 점 식 회 소 망 진 단 기 관 시 구";

/// What may stand behind a word up to the next space: whole particles and endings …
const PARTICLES: &str = "은 는 이 가 을 를 과 와 도 의 에 로 으로 만 까지 부터 에서 에게 께 께서 한테 보다 처럼 마다 조차 밖에 나 이나 라 이라 라도 이라도 라는 이라는 라고 이라고 며 이며 고 이고 랑 이랑 뿐 대로 마저 만큼 요 이요 든지 이든지 에는 에도 에만
에서는 에서도 에게는 에게도 로는 으로는 로도 으로도 로서 으로서 로써 으로써 로부터 으로부터 까지는 까지의 부터는 에의 와의 과의 와는 과는 로의 으로의 만이 만은 만을 씩 님 인 인지 인데 인가 일 임 란 이란 여서 이어서 에서의 에서부터 들 들이 들은 들을 들의 들도 등의 등을 등은 등이 등에 및 적 적인 적으로 적이 까지도";

/// … and the beginnings of verbs made of nouns (결정하다, 평가되는, 대가입니다).
const VERBAL: &str = "하한할함합해했되된될됨됩돼됐받받당입있없이였답스롭시킵킨시";

/// 5: nouns in 의 behind a consonant; in any other word a last 의 behind a consonant is the particle.
const NOUNS_OF_UI: [&str; 20] = [
    "문의", "협의", "건의", "논의", "결의", "합의", "질의", "심의", "임의", "편의", "민의", "본의", "반의", "번의",
    "신의", "악의", "선의", "열의", "별의", "적의",
];

/// How a word of the lists is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Sounds as its letters say.
    Plain,
    /// Has a sound of its own, and something known must follow.
    Word,
    /// Has a sound of its own, and anything may follow.
    Stem,
    /// Follows a known word.
    Suffix,
}

struct Entry {
    role: Role,
    spelling: Vec<char>,
    marks: Vec<Mark>,
}

static LEXICON: LazyLock<HashMap<Vec<char>, Vec<Entry>>> = LazyLock::new(|| {
    let mut words: HashMap<Vec<char>, Vec<Entry>> = HashMap::new();
    let lists = [COMPOUNDS, NASAL_STAYS, STEMS, SINO_RIEUL, TENSED, ADDED, SAI_SIOT];
    for (written, entry) in lists.iter().flat_map(|list| list.split_whitespace()).map(entry) {
        words.entry(written).or_default().push(entry);
    }
    for (list, role) in [(PLAIN, Role::Plain), (SUFFIXES, Role::Suffix)] {
        for word in list.split_whitespace() {
            let spelling: Vec<char> = word.chars().collect();
            let marks = vec![Mark::None; spelling.len()];
            words.entry(spelling.clone()).or_default().push(Entry { role, spelling, marks });
        }
    }
    words
});

/// The word as the rules go on with it, and what happens before each syllable.
pub fn marked(word: &[char]) -> (Vec<char>, Vec<Mark>) {
    let mut spelling = word.to_vec();
    let mut marks = vec![Mark::None; word.len()];
    for (at, entry) in pieces(word) {
        for (offset, (&spelt, &mark)) in entry.spelling.iter().zip(&entry.marks).enumerate() {
            if let (Some(to), Some(place)) = (spelling.get_mut(at + offset), marks.get_mut(at + offset)) {
                *to = spelt;
                *place = mark;
            }
        }
    }
    numerals(word, &mut marks);
    endings(word, &mut marks);
    (spelling, marks)
}

/// What stands before a place in a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Start,
    Unknown,
    Known,
    /// A word with a sound of its own, which needs something known behind it.
    Marked,
}

const STATES: [Before; 4] = [Before::Start, Before::Unknown, Before::Known, Before::Marked];
/// An unknown syllable, a known piece of any length, particles up to the end; [`FAR`] is no way at all.
const UNKNOWN: u32 = 25;
const KNOWN: u32 = 10;
const TAIL: u32 = 8;
const FAR: u32 = u32::MAX / 2;

/// The cheapest way from a place to the end: what it costs, and its first piece.
#[derive(Clone, Copy)]
struct Way {
    cost: u32,
    to: usize,
    entry: Option<&'static Entry>,
    then: Before,
}

/// The words of the lists that a word is made of, by the division with the fewest unknown syllables and pieces.
fn pieces(word: &[char]) -> Vec<(usize, &'static Entry)> {
    let longest = 8;
    // From the end: the least cost from each place on, and the first piece of that way.
    let mut ways = vec![[Way { cost: 0, to: word.len(), entry: None, then: Before::Known }; 4]; word.len() + 1];
    for at in (0..word.len()).rev() {
        let mut row = [Way { cost: FAR, to: word.len(), entry: None, then: Before::Known }; 4];
        for (state, best) in STATES.into_iter().zip(&mut row) {
            let rest = word.get(at..).unwrap_or(&[]);
            let cost = |to: usize, state: Before| ways.get(to).map_or(FAR, |row| row[state as usize].cost);
            let mut offer = |price: u32, to: usize, entry: Option<&'static Entry>, then: Before| {
                if price < best.cost {
                    *best = Way { cost: price, to, entry, then };
                }
            };
            let behind_known = matches!(state, Before::Known | Before::Marked);
            for length in (1..=longest.min(rest.len())).rev() {
                let Some(entries) = rest.get(..length).and_then(|piece| LEXICON.get(piece)) else { continue };
                for entry in entries {
                    let to = at + length;
                    match entry.role {
                        Role::Plain => offer(KNOWN + cost(to, Before::Known), to, Some(entry), Before::Known),
                        Role::Word if state != Before::Unknown => {
                            offer(KNOWN + cost(to, Before::Marked), to, Some(entry), Before::Marked);
                        }
                        Role::Stem if state != Before::Unknown => {
                            offer(KNOWN + TAIL, word.len(), Some(entry), Before::Known);
                        }
                        Role::Suffix if behind_known => {
                            offer(KNOWN + cost(to, Before::Marked), to, Some(entry), Before::Marked);
                        }
                        _ => {}
                    }
                }
            }
            if behind_known && is_tail(rest) {
                offer(TAIL, word.len(), None, Before::Known);
            }
            if state != Before::Marked {
                offer(UNKNOWN + cost(at + 1, Before::Unknown), at + 1, None, Before::Unknown);
            }
        }
        if let Some(way) = ways.get_mut(at) {
            *way = row;
        }
    }
    let (mut at, mut state, mut found) = (0, Before::Start, Vec::new());
    while let Some(&Way { to, entry, then, .. }) =
        ways.get(at).map(|row| &row[state as usize]).filter(|_| at < word.len())
    {
        found.extend(entry.map(|entry| (at, entry)));
        (at, state) = (to, then);
    }
    found
}

/// Only particles or an ending from here on.
fn is_tail(rest: &[char]) -> bool {
    static WHOLE: LazyLock<Vec<Vec<char>>> =
        LazyLock::new(|| PARTICLES.split_whitespace().map(|particle| particle.chars().collect()).collect());
    rest.first().is_some_and(|&first| VERBAL.contains(first)) || WHOLE.iter().any(|particle| particle == rest)
}

const NUMERALS: &str = "공영일이삼사오육칠팔구십백천만억조";

/// 26 and 29 in Sino-Korean numbers: 칠십 칠씹, 십육 심뉵, and 육 in a string of digits (1644 일륙싸사).
fn numerals(word: &[char], marks: &mut [Mark]) {
    let skip = usize::from(word.first() == Some(&'제'));
    let count = word.iter().skip(skip).take_while(|&&c| NUMERALS.contains(c)).count();
    for at in skip + 1..skip + count {
        let (Some(&first), Some(&second), Some(mark)) = (word.get(at - 1), word.get(at), marks.get_mut(at)) else {
            return;
        };
        *mark = match (first, second) {
            ('칠' | '팔', '십') | ('일' | '칠' | '팔', '조') => Mark::Tense,
            ('일' | '삼' | '육' | '칠' | '팔' | '십' | '백' | '천' | '만', '육') => Mark::Nieun,
            _ => Mark::None,
        };
    }
}

/// 27: endings that begin with an adnominal ㄹ (할수록 할쑤록).
fn endings(word: &[char], marks: &mut [Mark]) {
    // Behind these syllables 지, 게 and 걸 are such an ending; 알지 and 길게 are none.
    const ADNOMINAL: &str = "할될갈올볼을릴";
    const ENDINGS: [(&str, bool); 16] = [
        ("수록", true),
        ("지라도", true),
        ("지언정", true),
        ("진대", true),
        ("세라", true),
        ("밖에", false),
        ("걸", false),
        ("걸요", false),
        ("게", false),
        ("게요", false),
        ("지", false),
        ("지도", false),
        ("지는", false),
        ("지를", false),
        ("지가", false),
        ("지요", false),
    ];
    for at in 1..word.len() {
        let (Some(&first), Some(rest)) = (word.get(at - 1), word.get(at..)) else { continue };
        let rieul = Syllable::from_char(first).is_some_and(|first| first.last == 'ㄹ');
        let ending = ENDINGS.iter().any(|(ending, any)| {
            rieul && (*any || ADNOMINAL.contains(first)) && ending.chars().eq(rest.iter().copied())
        });
        if let (true, Some(mark)) = (ending, marks.get_mut(at)) {
            *mark = Mark::Tense;
        }
    }
}

/// 30: syllables whose ㅅ is a 사이시옷 (냇가, 뒷면); those that stand in verbs or other words, too, are listed by word.
pub fn is_sai_siot(syllable: Option<char>) -> bool {
    syllable.is_some_and(|syllable| "냇샛랫콧댓팻햇뱃갯툇찻횟잿뒷윗줏촛칫텃훗쇳귓혓".contains(syllable))
}

/// 5: a word whose last syllable 의 is part of a noun (문의) and no particle (밖의).
pub fn ends_in_noun_of_ui(word: &[char]) -> bool {
    let Some((before, noun)) = word.len().checked_sub(2).and_then(|at| word.split_at_checked(at)) else { return false };
    NOUNS_OF_UI.iter().any(|known| known.chars().eq(noun.iter().copied()))
        && (before.is_empty() || LEXICON.contains_key(before))
}

/// Whether a word in ㄹ can be a verb before a noun (할 수), and is no noun itself.
pub fn is_adnominal(word: &[char]) -> bool {
    const NOUNS: [&str; 18] = [
        "오늘", "내일", "매일", "평일", "휴일", "서울", "이달", "메일", "파일", "만일", "제일", "모델", "개월", "사실",
        "현실", "일일", "겨울", "가을",
    ];
    // A date, 삼십일일, but not 일 수 있다.
    let number = word.len() > 1 && word.iter().all(|&c| NUMERALS.contains(c));
    !number && !NOUNS.iter().any(|noun| noun.chars().eq(word.iter().copied()))
}

/// 27: a dependent noun behind an adnominal ㄹ: 할 수는, but not 출발 수속. `after` is the word behind it.
pub fn is_dependent(word: &[char], after: Option<&[char]>) -> bool {
    const BEGIN: [&str; 4] = ["것", "겁니", "사람", "도리"];
    const WHOLE: &str = "거 거야 거예요 거라 거고 거다 건지 건가요 건데 게 게요 걸 걸요 수 수는 수가 수도 수를 수만 수밖에 수밖에는 데 데가 데는 데를 데도 데에 데까지
        바 바를 바는 바가 바와 바에 적 적에 적이 적은 적도 줄은 줄을 줄도 줄로 곳 곳이 곳을 곳은 곳에 곳에서 곳으로 곳도 지 지도";
    let starts = |begin: &str| {
        word.len() >= begin.chars().count() && begin.chars().eq(word.iter().copied().take(begin.chars().count()))
    };
    BEGIN.iter().any(|begin| starts(begin))
        || WHOLE.split_whitespace().any(|whole| whole.chars().eq(word.iter().copied()))
        || (word == ['줄'] && after.and_then(<[char]>::first).is_some_and(|next| "알아모몰".contains(*next)))
}

/// One word of the lists: as it is written, and what it says.
fn entry(text: &str) -> (Vec<char>, Entry) {
    let (word, other) = text.split_once('=').map_or((text, None), |(word, other)| (word, Some(other)));
    let role = match (word.starts_with('-'), word.ends_with('-')) {
        (true, _) => Role::Suffix,
        (_, true) => Role::Stem,
        _ => Role::Word,
    };
    let (mut written, mut marks, mut mark) = (Vec::new(), Vec::new(), Mark::None);
    for character in word.trim_matches('-').chars() {
        mark = match character {
            '\'' => Mark::Tense,
            '^' => Mark::TenseBehindRieul,
            '+' => Mark::Nieun,
            '|' => Mark::Seam,
            '/' => Mark::Nasal,
            syllable => {
                written.push(syllable);
                marks.push(mark);
                Mark::None
            }
        };
    }
    debug_assert_eq!(mark, Mark::None, "{text}: a mark stands before a syllable");
    let spelling = other.map_or_else(|| written.clone(), |other| other.chars().collect());
    if other.is_some() {
        marks = vec![Mark::None; written.len()];
    }
    (written, Entry { role, spelling, marks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_written_once_and_as_long_as_it_sounds() {
        let mut marked_words = 0;
        for (word, entries) in LEXICON.iter() {
            let own: Vec<_> = entries.iter().filter(|entry| entry.role != Role::Plain).collect();
            let word: String = word.iter().collect();
            assert!(own.len() <= 1, "{word} stands twice");
            for entry in own {
                assert_eq!(entry.spelling.len(), word.chars().count(), "{word}");
                assert_eq!(entry.marks.len(), word.chars().count(), "{word}");
                marked_words += 1;
            }
            assert!(word.chars().all(|c| Syllable::from_char(c).is_some()), "{word}");
        }
        assert!(marked_words > 500, "{marked_words}");
    }
}
